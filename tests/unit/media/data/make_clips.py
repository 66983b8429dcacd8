#!/usr/bin/env python3
"""Makes the clips of the media tests: make_clips.py OUT_DIR (numpy, and ffmpeg 5.1 with libx264, libx265, libvpx, libaom).

Every frame carries its own number: 4 x 3 cells, the top left one red, the top right one blue (which way up it stands), the other
ten black or white, the bits of the number, lowest first, row by row. So a test reads from the picture which frame it was given,
and needs no second decoder to say so.
"""
import pathlib
import struct
import subprocess
import sys

import numpy as np

CELLS = [(row, column) for row in range(3) for column in range(4) if (row, column) not in ((0, 0), (0, 3))]


def frame(number, width=64, height=48):
    """The numbered picture, (height, width, 3) u8."""
    picture = np.zeros((height, width, 3), np.uint8)
    rows = [height * i // 3 for i in range(4)]
    columns = [width * i // 4 for i in range(5)]
    picture[rows[0] : rows[1], columns[0] : columns[1]] = (220, 30, 30)
    picture[rows[0] : rows[1], columns[3] : columns[4]] = (30, 30, 220)
    for bit, (row, column) in enumerate(CELLS):
        if number >> bit & 1:
            picture[rows[row] : rows[row + 1], columns[column] : columns[column + 1]] = 255
    return picture


def ffmpeg(arguments, stdin=None):
    command = ["ffmpeg", "-v", "error", "-y", "-threads", "1", "-filter_threads", "1", *map(str, arguments)]
    subprocess.run(command, input=stdin, check=True)


QUIET = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads:v", "1"]
X264 = ["-c:v", "libx264", "-preset", "medium", "-crf", "24", "-pix_fmt", "yuv420p"]


def x264(*parameters):
    return [*X264, "-x264-params", ":".join(("threads=1", "scenecut=0", *parameters))]


def encode(out, count, codec, *, fps="25", size=(64, 48), turn=0, filters=None, first=0, extra=(), inputs=(), quiet=QUIET):
    """`count` numbered frames of that size, turned by `turn` quarter turns counterclockwise before they are stored."""
    pictures = [np.rot90(frame(first + i, *size), turn) for i in range(count)]
    height, width = pictures[0].shape[:2]
    raw = b"".join(np.ascontiguousarray(p).tobytes() for p in pictures)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}", "-framerate", fps, "-i", "-"]
    ffmpeg([*source, *inputs, *(["-vf", filters] if filters else []), *codec, *quiet, *extra, out], raw)


def set_matrix(path, matrix):
    """Writes (a, b, c, d) of the display matrix into the (only) track header of an MP4."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # behind version, times, track, duration, layer and volume
    for i, value in zip((0, 1, 3, 4), matrix):
        data[at + 4 * i : at + 4 * i + 4] = struct.pack(">i", value * 65536)
    path.write_bytes(data)


def basic_clips(out):
    """Key frame each second, table of contents in front (300 frames) and behind; 10 bits; turned; not square; odd; live."""
    encode(out / "key_each_second.mp4", 300, x264("keyint=25", "min-keyint=25", "bframes=2"), extra=["-movflags", "+faststart"])
    encode(out / "tail_index.mp4", 60, x264("keyint=25", "bframes=2"))
    encode(out / "fragmented.mp4", 75, x264("keyint=25", "bframes=2"), extra=["-movflags", "+frag_keyframe+empty_moov"])
    encode(out / "ten_bit.mkv", 40, [*X264[:-1], "yuv420p10le", "-profile:v", "high10", "-x264-params", "threads=1:keyint=20"])
    # Held upright by a quarter turn clockwise, as a telephone writes it.
    encode(out / "turned.mp4", 30, x264("keyint=10"), size=(48, 64), turn=1)
    set_matrix(out / "turned.mp4", (0, 1, -1, 0))
    encode(out / "wide_pixels.mp4", 10, x264("keyint=10"), filters="setsar=4/3")
    encode(out / "tall_pixels.mp4", 10, x264("keyint=10"), filters="setsar=2/3")
    # Two passes: only then libvpx sends reference pictures that are not shown.
    for run in (1, 2):
        vp8 = ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-g", "20", "-b:v", "60k", "-pass", run, "-passlogfile", out / "log"]
        encode(out / "odd_size.webm", 40, vp8, size=(63, 47))
    (out / "log-0.log").unlink()
    encode(out / "live.mkv", 50, x264("keyint=25", "bframes=2"), extra=["-live", "1", "-f", "matroska"])
    encode(out / "raw.h264", 50, x264("keyint=25", "bframes=2"))


def times(out):
    """Variable frame rate: frame n starts at n * (n + 9) / 2 hundredths of a second (each step one hundredth longer)."""
    formula = "setpts=(N*(N+9)/2)/(100*TB)"
    for name in ("variable_rate.mp4", "variable_rate.mkv"):
        encode(out / name, 40, x264("keyint=10", "bframes=2"), fps="100", filters=f"settb=1/1000,{formula}",
               extra=["-vsync", "vfr", "-enc_time_base", "1/1000"])
    # AVI stores no presentation times: B-frames come without.
    encode(out / "no_times.avi", 60, ["-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "12"])
    # Two recordings one after the other, the clock of the second starts again.
    parts = []
    for i in range(2):
        part = out / f"part{i}.ts"
        encode(part, 30, x264("keyint=10", "bframes=0"), first=30 * i, extra=["-mpegts_flags", "+initial_discontinuity"])
        parts.append(part)
    (out / "clock_restarts.ts").write_bytes(b"".join(p.read_bytes() for p in parts))
    for part in parts:
        part.unlink()


def hard_references(out):
    """Streams in which a frame after a key frame may lean on what lies before it."""
    encode(out / "open_group.mkv", 100, x264("keyint=20", "min-keyint=20", "bframes=3", "b-pyramid=normal", "open-gop=1"))
    encode(out / "open_group.ts", 60, x264("keyint=20", "min-keyint=20", "bframes=3", "open-gop=1"))
    encode(out / "refresh.mkv", 100, x264("keyint=20", "min-keyint=20", "bframes=0", "intra-refresh=1"))
    encode(out / "hevc_open_group.mp4", 80, ["-c:v", "libx265", "-crf", "26", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-x265-params",
           "pools=none:frame-threads=1:log-level=none:keyint=20:min-keyint=20:scenecut=0:open-gop=1:bframes=3:info=0"])
    encode(out / "mpeg2.mpg", 60, ["-c:v", "mpeg2video", "-q:v", "4", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p"])
    encode(out / "vp9.webm", 80, ["-c:v", "libvpx-vp9", "-g", "20", "-b:v", "60k", "-row-mt", "0", "-pix_fmt", "yuv420p"])
    encode(out / "av1.webm", 60, ["-c:v", "libaom-av1", "-cpu-used", "6", "-g", "20", "-lag-in-frames", "19", "-b:v", "60k", "-pix_fmt", "yuv420p"])
    # Key frames 0, 10, 20, 30; the container's table says 0, 10, 24, 30.
    encode(out / "false_key.mov", 40, ["-c:v", "svq1", "-g", "10", "-pix_fmt", "yuv410p"])
    table = struct.pack(">5I", 4, 1, 11, 21, 31)
    data = (out / "false_key.mov").read_bytes()
    assert data.count(table) == 1
    (out / "false_key.mov").write_bytes(data.replace(table, struct.pack(">5I", 4, 1, 11, 25, 31)))
    # Decoding times four frames early: a search by the one kind of time finds another key frame than by the other.
    encode(out / "early_decoding.ts", 16, x264("keyint=1", "bframes=0"), extra=["-bsf:v", "setts=pts=PTS:dts=PTS-14400"])
    encode(out / "moving.gif", 20, ["-c:v", "gif"], filters="split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none")
    # An edit list that starts inside a group: frames 0..36 stand in the file for frame 37's sake, and are not shown.
    whole = out / "whole.mp4"
    encode(whole, 100, x264("keyint=25", "min-keyint=25", "bframes=2"))
    ffmpeg(["-ss", 37 / 25, "-i", whole, "-c", "copy", *QUIET, out / "edit_list.mp4"])
    whole.unlink()


def streams(out):
    """More than one stream; cover pictures."""
    cover, second = out / "cover.png", out / "second.mp4"
    raw = np.ascontiguousarray(frame(1023, 128, 96)).tobytes()
    ffmpeg(["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "128x96", "-i", "-", "-frames:v", 1, "-fflags", "+bitexact", cover], raw)
    encode(second, 20, x264("keyint=10"), size=(96, 72), first=100)
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=0.8:sample_rate=8000"]
    sound = ["-c:a", "aac", "-b:a", "16k", "-flags:a", "+bitexact"]
    encode(out / "two_videos.mp4", 20, x264("keyint=10"), inputs=["-i", second, *tone], extra=["-map", "0:v", "-map", "1:v", "-map", "2:a", *sound])
    attached = ["-disposition:v:1", "attached_pic", "-c:v:1", "copy"]
    encode(out / "cover_and_video.mp4", 20, x264("keyint=10"), inputs=["-i", cover], extra=["-map", "0:v", "-map", "1:v", *attached])
    ffmpeg([*tone, "-i", cover, "-map", "0:a", "-map", "1:v", *sound, "-c:v", "copy", "-disposition:v:0", "attached_pic", *QUIET, out / "sound_with_cover.m4a"])
    cover.unlink()
    second.unlink()


COLOURS = {"red": (200, 40, 40), "green": (40, 200, 40), "blue": (40, 40, 200), "skin": (224, 172, 140)}
MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722), "bt2020nc": (0.2627, 0.0593)}


def to_yuv(rgb, matrix, full):
    """8-bit Y, Cb, Cr by the definitions of BT.601, BT.709 and BT.2020."""
    kr, kb = MATRICES[matrix]
    r, g, b = (c / 255 for c in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    if full:
        return [round(255 * y), round(128 + 255 * cb), round(128 + 255 * cr)]
    return [round(16 + 219 * y), round(128 + 224 * cb), round(128 + 224 * cr)]


def colours(out):
    """Four bars (COLOURS) stored without loss as YUV 4:2:0 under each matrix and range, tagged; bt601 limited untagged as well."""
    for matrix, full, tagged in (("bt601", False, False), ("bt601", True, True), ("bt709", False, True), ("bt709", True, True), ("bt2020nc", False, True)):
        bars = [to_yuv(rgb, matrix, full) for rgb in COLOURS.values()]
        planes = [np.repeat([bar[i] for bar in bars], 16 if i == 0 else 8)[None].repeat(48 if i == 0 else 24, 0) for i in range(3)]
        raw = b"".join(p.astype(np.uint8).tobytes() for p in planes)
        tags = ["-color_range", "pc" if full else "tv", "-colorspace", {"bt601": "smpte170m"}.get(matrix, matrix)] if tagged else []
        name = f"colour_{matrix}_{'full' if full else 'limited'}{'' if tagged else '_untagged'}.mkv"
        ffmpeg(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", "64x48", *tags, "-i", "-", "-frames:v", 1, "-c:v", "ffv1", "-level", 3,
                "-slices", 4, *tags, *QUIET, out / name], raw)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    basic_clips(out)
    times(out)
    hard_references(out)
    streams(out)
    colours(out)
    total = sum(p.stat().st_size for p in out.iterdir())
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size:7d} {path.name}")
    print(f"{total:7d} total")


if __name__ == "__main__":
    main()
