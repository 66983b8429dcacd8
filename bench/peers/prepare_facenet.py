# SPDX-License-Identifier: Apache-2.0
"""What people write for this job: OpenCV reads the clips, facenet-pytorch finds faces, the largest is warped and stored.

  prepare_facenet.py ROOT OUT [--frames 32] [--threads 2] [--batch 1]

Takes every .mp4 below ROOT, frames by NumPy's linspace, read in one pass (only wanted ones are converted). Writes OUT/crops/<clip>/<frame>.png
of 256 pixels (five points to ArcFace's template with a margin of 1.3, as DeepfakeBench) and OUT/crops.jsonl with path, frame and box.
"""
import argparse
import json
import os
import pathlib


def template(np, side=256, scale=1.3):
    points = np.array([[30.2946, 51.6963], [65.5318, 51.5014], [48.0252, 71.7366], [33.5493, 92.3655], [62.7299, 92.2041]])
    points[:, 0] += 8.0
    margin = side * (scale - 1) / 2
    return (points * side / 112 + margin) / scale


def similarity(np, source, target):
    """Least squares, two by three."""
    a, b = source - source.mean(0), target - target.mean(0)
    spread = (a * a).sum()
    c, s = (a * b).sum() / spread, (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / spread
    rotation = np.array([[c, -s], [s, c]])
    return np.hstack([rotation, (target.mean(0) - rotation @ source.mean(0))[:, None]])


def wanted_frames(cv2, np, path, count):
    capture = cv2.VideoCapture(str(path))
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = sorted(set(np.linspace(0, total - 1, count, dtype=int).tolist()))
    frames = []
    for index in range(wanted[-1] + 1):
        if not capture.grab():
            break
        if index in wanted:
            frames.append((index, cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)))
    capture.release()
    return frames


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1, help="frames given to the detector at once")
    args = parser.parse_args()

    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch is loaded: OpenMP reads it once
    import cv2
    import numpy as np
    import torch
    from facenet_pytorch import MTCNN

    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    detector = MTCNN(keep_all=True, min_face_size=40, device="cpu")
    target = template(np)
    with open_list(args.out) as listing, torch.no_grad():
        for path in sorted(args.root.rglob("*.mp4")):
            name = str(path.relative_to(args.root))
            frames = wanted_frames(cv2, np, path, args.frames)
            for begin in range(0, len(frames), args.batch):
                part = frames[begin : begin + args.batch]
                found = detector.detect([frame for _, frame in part], landmarks=True)
                for (index, frame), boxes, scores, points in zip(part, *found):
                    if boxes is None:
                        continue
                    good = [i for i, score in enumerate(scores) if score >= 0.95]
                    if not good:
                        continue
                    best = max(good, key=lambda i: (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))
                    matrix = similarity(np, points[best].astype(float), target)
                    crop = cv2.warpAffine(frame, matrix, (256, 256), flags=cv2.INTER_LINEAR)
                    file = args.out / "crops" / name / f"{index:06d}.png"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    cv2.imwrite(str(file), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
                    listing.write(json.dumps({"video": name, "frame": index, "box": [float(v) for v in boxes[best]]}) + "\n")


def open_list(out):
    out.mkdir(parents=True, exist_ok=True)
    return open(out / "crops.jsonl", "w", encoding="utf-8")


if __name__ == "__main__":
    main()
