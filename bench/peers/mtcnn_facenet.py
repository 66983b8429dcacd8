# SPDX-License-Identifier: Apache-2.0
"""Times facenet-pytorch's MTCNN on pictures and prints what it found, as one JSON object.

Pictures are used as they are, without resizing. Only detection is timed: the picture is decoded before the clock starts.
facenet-pytorch 2.6.0 pins old versions of its needs; it runs with newer ones when installed with `pip install --no-deps`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--min-face", type=int, default=40)
    args = parser.parse_args()

    # Before torch is loaded: OpenMP reads it once.
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    import torch
    from facenet_pytorch import MTCNN
    from PIL import Image

    torch.set_num_threads(args.threads)
    detector = MTCNN(keep_all=True, min_face_size=args.min_face, device="cpu")
    rows = []
    for path in args.pictures:
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        milliseconds = []
        for i in range(args.warmup + args.repeats):
            start = time.perf_counter()
            boxes, probabilities, points = detector.detect(picture, landmarks=True)
            elapsed = time.perf_counter() - start
            if i >= args.warmup:
                milliseconds.append(1000.0 * elapsed)
        faces = []
        if boxes is not None:
            for box, probability, landmarks in zip(boxes, probabilities, points, strict=True):
                faces.append(
                    {
                        "box": [round(float(v), 4) for v in box],
                        "probability": round(float(probability), 6),
                        "landmarks": [[round(float(x), 4), round(float(y), 4)] for x, y in landmarks],
                    }
                )
        rows.append(
            {
                "path": path,
                "width": picture.width,
                "height": picture.height,
                "milliseconds_median": round(statistics.median(milliseconds), 3),
                "milliseconds": [round(v, 3) for v in milliseconds],
                "faces": faces,
            }
        )
    print(
        json.dumps(
            {
                "peer": "facenet-pytorch-mtcnn",
                "torch": torch.__version__,
                "threads": args.threads,
                "min_face": args.min_face,
                "pictures": rows,
            },
            indent=1,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
