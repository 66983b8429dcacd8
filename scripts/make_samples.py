#!/usr/bin/env python3
"""Makes what samples/ holds from four free sources: make_samples.py SOURCE_DIR OUT_DIR (Pillow, numpy, and ffmpeg with libx264).

SOURCE_DIR holds astronaut.png, grace_hopper.jpg, rocket.jpg (copied as they are) and nasa_13013.mp4. Made from them:
  swap_astronaut.jpg   the face of grace_hopper.jpg on astronaut.png: warped by landmarks, colours matched, blended with a soft mask
  swap_astronaut.mp4   a camera that pans and zooms over that picture, H.264, 5 s
  no_face_mirrors.mp4  a piece of the NASA film, cropped to where nobody is in the picture, H.264, 4 s
The same sources and versions of Pillow, numpy and ffmpeg give the same bytes.
"""
import pathlib
import shutil
import subprocess
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# Landmarks in pixels, measured by eye on enlarged pictures: name, place in astronaut.png, place in grace_hopper.jpg.
# The outline runs clockwise as the picture is seen, from the forehead's left end.
OUTLINE = [
    ("brow left", (189, 87), (192, 163)),
    ("brow middle", (224, 86), (267, 158)),
    ("brow right", (262, 90), (341, 162)),
    ("temple right", (267, 105), (350, 196)),
    ("cheek right", (267, 122), (345, 240)),
    ("jaw right", (262, 146), (332, 287)),
    ("jaw low right", (251, 164), (318, 315)),
    ("chin right", (238, 173), (297, 328)),
    ("chin", (222, 177), (264, 333)),
    ("chin left", (208, 173), (232, 328)),
    ("jaw low left", (196, 163), (212, 313)),
    ("jaw left", (187, 145), (200, 287)),
    ("cheek left", (183, 121), (186, 240)),
    ("temple left", (184, 103), (178, 198)),
]
INSIDE = [
    ("left eye, outer corner", (193, 100), (203, 193)),
    ("left eye, pupil", (203, 101), (221, 190)),
    ("left eye, inner corner", (211, 102), (243, 192)),
    ("right eye, inner corner", (237, 104), (288, 190)),
    ("right eye, pupil", (246, 103), (305, 187)),
    ("right eye, outer corner", (258, 104), (325, 188)),
    ("nose bridge", (224, 103), (267, 190)),
    ("nose tip", (224, 127), (267, 232)),
    ("nose wing left", (213, 128), (242, 242)),
    ("nose wing right", (236, 130), (294, 241)),
    ("nose base", (225, 133), (267, 251)),
    ("mouth corner left", (205, 140), (231, 281)),
    ("mouth corner right", (243, 141), (308, 279)),
    ("upper lip", (224, 139), (267, 272)),
    ("between the lips, left", (213, 143), (248, 278)),
    ("between the lips", (224, 144), (267, 278)),
    ("between the lips, right", (235, 143), (288, 277)),
    ("lower lip", (223, 151), (266, 295)),
]

MASK_SHRINK = 0.97  # of the outline, towards its middle: the soft edge then lies on skin
MASK_BLUR_PX = 3.5
SOURCE_SHRINK = 2  # the source face is about twice as large: reduced first, so that the warp does not skip pixels

FPS, SECONDS = 25, 5
CLIP_PX = 384
X264 = ["-c:v", "libx264", "-preset", "slow", "-pix_fmt", "yuv420p", "-x264-params", "threads=1:keyint=25:scenecut=0", "-movflags", "+faststart"]
EXACT = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]


def thin_plate_spline(from_points, to_points):
    """The smooth map R^2 -> R^2 that takes each of `from_points` (K, 2) to its partner: a function of (N, 2) points."""
    def kernel(a, b):
        square = ((a[:, None] - b[None]) ** 2).sum(-1)
        return np.where(square > 0, square * np.log(np.maximum(square, 1e-12)), 0)

    count = len(from_points)
    affine = np.hstack([np.ones((count, 1)), from_points])
    system = np.block([[kernel(from_points, from_points), affine], [affine.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(system, np.vstack([to_points, np.zeros((3, 2))]))
    return lambda points: kernel(points, from_points) @ weights[:count] + np.hstack([np.ones((len(points), 1)), points]) @ weights[count:]


def sample_bilinear(picture, x, y):
    """`picture` (H, W, 3) float at pixel centres (x, y)."""
    height, width = picture.shape[:2]
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    left, top = x.astype(int), y.astype(int)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    upper = picture[top, left] * (1 - fx) + picture[top, left + 1] * fx
    lower = picture[top + 1, left] * (1 - fx) + picture[top + 1, left + 1] * fx
    return upper * (1 - fy) + lower * fy


def soft_mask(size, outline):
    """(H, W) in 0..1: the filled outline, a little smaller, with a soft edge."""
    middle = outline.mean(0)
    shrunk = middle + (outline - middle) * MASK_SHRINK
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).polygon([tuple(p) for p in shrunk], fill=255)
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(MASK_BLUR_PX)), np.float64) / 255


def match_colours(face, scene, mask):
    """Mean and spread of each channel of YCbCr, inside the mask, become those of the scene; the spread of brightness is changed by a
    tenth at most, or the dark rims of the glasses, which the scene's face does not wear, would flatten everything else."""
    def ycc(rgb):
        return np.asarray(Image.fromarray(np.clip(rgb + 0.5, 0, 255).astype(np.uint8)).convert("YCbCr"), np.float64)

    def statistics(channels):
        weights = mask[..., None] / mask.sum()
        mean = (channels * weights).sum((0, 1))
        return mean, np.sqrt((((channels - mean) ** 2) * weights).sum((0, 1)))

    face, scene = ycc(face), ycc(scene)
    (face_mean, face_spread), (scene_mean, scene_spread) = statistics(face), statistics(scene)
    gain = scene_spread / face_spread
    gain[0] = np.clip(gain[0], 0.9, 1.1)
    matched = (face - face_mean) * gain + scene_mean
    return np.asarray(Image.fromarray(np.clip(matched + 0.5, 0, 255).astype(np.uint8), "YCbCr").convert("RGB"), np.float64)


def swap_face(scene_image, face_image):
    """The picture `scene_image` with the face of `face_image`."""
    scene = np.asarray(scene_image.convert("RGB"), np.float64)
    reduced = np.asarray(face_image.convert("RGB").reduce(SOURCE_SHRINK), np.float64)
    points = OUTLINE + INSIDE
    scene_points = np.array([p[1] for p in points], np.float64)
    face_points = np.array([p[2] for p in points], np.float64)
    to_face = thin_plate_spline(scene_points, face_points)
    height, width = scene.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).reshape(-1, 2).astype(np.float64)
    places = (to_face(grid) + 0.5) / SOURCE_SHRINK - 0.5
    face = sample_bilinear(reduced, places[:, 0], places[:, 1]).reshape(scene.shape)
    mask = soft_mask((width, height), np.array([p[1] for p in OUTLINE], np.float64))
    blended = scene + mask[..., None] * (match_colours(face, scene, mask) - scene)
    return Image.fromarray(np.clip(blended + 0.5, 0, 255).astype(np.uint8))


def camera(t):
    """Where a hand-held camera looks at time t in 0..1: middle and side of the square window, in pixels of the portrait."""
    ease = t * t * (3 - 2 * t)
    shake = np.array([np.sin(9.1 * t) + 0.5 * np.sin(23.7 * t), np.cos(7.3 * t) + 0.5 * np.sin(19.9 * t)])
    middle = np.array([262, 232]) * (1 - ease) + np.array([232, 168]) * ease + 2.0 * shake
    return middle, 440 * (1 - ease) + 270 * ease


def write_portrait_clip(portrait, out):
    frames = []
    for i in range(FPS * SECONDS):
        (x, y), side = camera(i / (FPS * SECONDS - 1))
        step = side / CLIP_PX
        window = (step, 0, x - side / 2, 0, step, y - side / 2)
        frames.append(portrait.transform((CLIP_PX, CLIP_PX), Image.Transform.AFFINE, window, Image.Resampling.BICUBIC).tobytes())
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{CLIP_PX}x{CLIP_PX}", "-framerate", str(FPS), "-i", "-"]
    ffmpeg([*source, "-vf", "scale=out_color_matrix=bt709:flags=bitexact", "-colorspace", "bt709", "-crf", "20", *X264, *EXACT, out], b"".join(frames))


def write_mirror_clip(film, out):
    """From the larger of the film's two streams; the worker stands left of the piece that is cut out."""
    piece = ["-ss", "8.8", "-i", film, "-t", "4", "-map", "0:3", "-vf", "crop=240:240:236:16"]
    ffmpeg([*piece, "-crf", "20", *X264, *EXACT, out])


def ffmpeg(arguments, stdin=None):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-threads", "1", "-filter_threads", "1", *map(str, arguments)], input=stdin, check=True)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sources, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut.png", "grace_hopper.jpg", "rocket.jpg"):
        shutil.copyfile(sources / name, out / name)
    swapped = swap_face(Image.open(sources / "astronaut.png"), Image.open(sources / "grace_hopper.jpg"))
    swapped.save(out / "swap_astronaut.jpg", quality=92, subsampling=0)
    write_portrait_clip(swapped, out / "swap_astronaut.mp4")
    write_mirror_clip(sources / "nasa_13013.mp4", out / "no_face_mirrors.mp4")


if __name__ == "__main__":
    main()
