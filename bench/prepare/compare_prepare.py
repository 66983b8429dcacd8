#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`dfa prepare` beside a Python script with facenet-pytorch and OpenCV: same clips, same frames, same threads, in turns.

  bench/prepare/compare_prepare.py --dfa build/release/bin/dfa --python VENV/bin/python --work DIR

VENV has torch, facenet-pytorch 2.6.0, OpenCV and NumPy. Ten 720p clips of 10 s, portraits of samples/ moving over a blurred background, are
made once in DIR/clips by ffmpeg. The peer is timed frame by frame and in batches, and the faster counts. Start-up and imports are timed too, on both sides.
Prints JSON: seconds, peak memory, the ratio (goal: 3 times as fast, below 1 GB), and how well the boxes agree. Exits 1 where a goal is missed or
the frames differ.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "bench"))
from clips import make_clip

PEER = REPOSITORY / "bench" / "peers" / "prepare_facenet.py"
PORTRAITS = ["astronaut.png", "grace_hopper.jpg", "swap_astronaut.jpg"]
CLIPS, SECONDS = 10, 10
GOAL_RATIO, GOAL_MIB = 3.0, 1000.0
LEAST_IOU = 0.5


def make_clips(folder):
    for number in range(CLIPS):
        target = folder / ("fake" if number % 2 else "real") / f"{number:02d}.mp4"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            portrait = PORTRAITS[number % len(PORTRAITS)]
            make_clip(target, portrait, 360 + 30 * (number % 5), period=3 + number, seconds=SECONDS)


def run(command, log):
    """(seconds, peak MiB) of a command; its talk goes to `log`."""
    with open(log, "w", encoding="utf-8") as out:
        begin = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {process.returncode}, see {log}")
    return seconds, usage.ru_maxrss / 1024


def our_boxes(out):
    boxes = {}
    with open(out / "manifest.jsonl", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            entry = json.loads(line)
            boxes[entry["video"], entry["frame"]] = entry["box_px"]
    return boxes


def their_boxes(out):
    with open(out / "crops.jsonl", encoding="utf-8") as lines:
        return {(entry["video"], entry["frame"]): entry["box"] for entry in map(json.loads, lines)}


def iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def agreement(ours, theirs):
    both = ours.keys() & theirs.keys()
    overlaps = [iou(ours[key], theirs[key]) for key in both]
    return {
        "crops": [len(ours), len(theirs)],
        "in_both": len(both),
        "same_face": sum(overlap >= LEAST_IOU for overlap in overlaps),
        "median_iou": round(statistics.median(overlaps), 4) if overlaps else None,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dfa", required=True)
    parser.add_argument("--python", required=True, help="a Python with facenet-pytorch and OpenCV")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8], help="batch sizes of the peer")
    args = parser.parse_args()
    make_clips(args.work / "clips")

    common = ["--threads", args.threads, "--frames", args.frames]
    ours, theirs = [], {batch: [] for batch in args.batches}
    for number in range(args.rounds):
        for name in ["ours", "theirs"]:
            shutil.rmtree(args.work / name, ignore_errors=True)
        command = [args.dfa, "prepare", "folders", args.work / "clips", "--out", args.work / "ours", *common]
        ours.append(run(command, args.work / "ours.log"))
        for batch in args.batches:
            command = [args.python, PEER, args.work / "clips", args.work / "theirs", "--batch", batch, *common]
            theirs[batch].append(run(command, args.work / f"theirs{batch}.log"))
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)

    def row(runs):
        return {"seconds": round(statistics.median(s for s, _ in runs), 2), "peak_mib": round(max(m for _, m in runs), 1)}

    rows = {f"facenet_pytorch_batch_{batch}": row(runs) for batch, runs in theirs.items()}
    ratio = min(entry["seconds"] for entry in rows.values()) / row(ours)["seconds"]
    same = agreement(our_boxes(args.work / "ours"), their_boxes(args.work / "theirs"))
    report = {
        "clips": CLIPS,
        "frames": args.frames,
        "threads": args.threads,
        "rounds": args.rounds,
        "dfa": row(ours),
        **rows,
        "ratio": round(ratio, 2),
        "goal_ratio": GOAL_RATIO,
        "goal_mib": GOAL_MIB,
        "agreement": same,
    }
    print(json.dumps(report, indent=1))
    good = ratio >= GOAL_RATIO and row(ours)["peak_mib"] < GOAL_MIB and same["same_face"] >= 0.98 * max(same["crops"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
