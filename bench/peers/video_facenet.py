# SPDX-License-Identifier: Apache-2.0
"""What people write to score a video: OpenCV reads it, facenet-pytorch finds the faces, PyTorch scores the largest of each frame.

    video_facenet.py FILE --model model.dfa --frames 32 --threads 2 --batch 8 --read grab --precision f32

Frames are evenly spaced (NumPy's linspace). Faces below a probability of 0.95 or 40 px are left out; a crop is the box's square, 1.3 times as
large, resized to 224 px. Prints JSON: seconds by stage, whole seconds after the start, start-up (imports, networks), and per frame box and p_fake.
"""

from __future__ import annotations

import time

BEGIN = time.perf_counter()

import argparse
import json
import os
import sys

SIDE, MARGIN, LEAST_PROBABILITY, LEAST_PX = 224, 1.3, 0.95, 40


class Stages:
    """Adds up seconds by name."""

    def __init__(self):
        self.seconds: dict[str, float] = {}

    def time(self, name, work, *arguments):
        begin = time.perf_counter()
        result = work(*arguments)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin
        return result


def wanted_frames(cv2, np, path, count, way):
    """(index, RGB frame). grab: every frame is decoded, the wanted ones are converted. seek: the reader is sent to each."""
    capture = cv2.VideoCapture(path)
    total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = sorted(set(np.linspace(0, total - 1, count, dtype=int).tolist()))
    frames, position = [], 0
    for index in wanted:
        if way == "seek":
            capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            position = index
        while position < index and capture.grab():
            position += 1
        read, frame = capture.read()
        if not read:
            break
        position = index + 1
        frames.append((index, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)))
    capture.release()
    return frames


def largest_boxes(detector, frames):
    """Per frame the box of the largest face that may be scored, or None."""
    found, scores = detector.detect(frames)
    chosen = []
    for boxes, probabilities in zip(found, scores, strict=True):
        good = []
        for box, probability in zip(boxes if boxes is not None else [], probabilities):
            shorter = min(box[2] - box[0], box[3] - box[1])
            if probability >= LEAST_PROBABILITY and shorter >= LEAST_PX:
                good.append(box)
        chosen.append(max(good, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), default=None))
    return chosen


def cut(cv2, np, frame, box):
    """(3, 224, 224) in [-1, 1]."""
    half = MARGIN * max(box[2] - box[0], box[3] - box[1]) / 2
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, top = max(0, int(x - half)), max(0, int(y - half))
    part = frame[top : int(y + half), left : int(x + half)]
    crop = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return crop.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0


def load_network(torch, path, precision):
    from eager_model import Config, DeepFakeAdapter
    from safetensors.torch import load_file

    model = DeepFakeAdapter(Config()).eval()
    model.load_state_dict(load_file(path), strict=True)
    return model.to(torch.bfloat16 if precision == "bf16" else torch.float32).to(memory_format=torch.channels_last)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--model", required=True, help="weights under the published names: model.dfa of prepare_peers.py")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8, help="frames given to the detector, and crops to the network, at once")
    parser.add_argument("--read", choices=("grab", "seek"), default="grab")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    args = parser.parse_args()

    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before torch is loaded: OpenMP reads it once
    import cv2
    import numpy as np
    import torch
    from facenet_pytorch import MTCNN

    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    detector = MTCNN(keep_all=True, min_face_size=LEAST_PX, device="cpu")
    network = load_network(torch, args.model, args.precision)
    start_up = time.perf_counter() - BEGIN

    begin, stages, rows, crops = time.perf_counter(), Stages(), [], []
    with torch.inference_mode():
        frames = stages.time("decode", wanted_frames, cv2, np, args.file, args.frames, args.read)
        for first in range(0, len(frames), args.batch):
            part = frames[first : first + args.batch]
            boxes = stages.time("detect", largest_boxes, detector, [frame for _, frame in part])
            for (index, frame), box in zip(part, boxes, strict=True):
                if box is None:
                    continue
                crops.append(stages.time("crop", cut, cv2, np, frame, box))
                rows.append({"frame": index, "box": [round(float(v), 2) for v in box]})
        dtype = next(network.parameters()).dtype

        def score(images):
            tensor = torch.from_numpy(np.stack(images)).to(dtype).contiguous(memory_format=torch.channels_last)
            return torch.softmax(network(tensor).float(), 1)[:, 1].tolist()

        scores = []
        for first in range(0, len(crops), args.batch):
            scores += stages.time("score", score, crops[first : first + args.batch])
    for row, p_fake in zip(rows, scores, strict=True):
        row["p_fake"] = round(p_fake, 6)
    print(
        json.dumps(
            {
                "peer": "facenet-pytorch, PyTorch, OpenCV",
                "versions": {"torch": torch.__version__, "opencv": cv2.__version__},
                "frames": len(frames),
                "whole_seconds": time.perf_counter() - begin,
                "start_up_seconds": start_up,
                "stage_seconds": stages.seconds,
                "faces": rows,
                "mean_p_fake": sum(scores) / len(scores) if scores else None,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
