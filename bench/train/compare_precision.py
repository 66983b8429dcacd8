#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether training in bf16 follows the loss of training in f32 as closely as two seeds of f32 follow each other.

Trains the same configuration for some steps with several seeds, in f32 and in bf16, and compares the smoothed losses:
the mean distance of the two precisions at equal seed, beside the mean distance of two f32 seeds.

    bench/train/compare_precision.py --train build/train/bin/dfa-train --config configs/small-faces.json \\
        --manifest faces.jsonl --work DIR
"""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import statistics
import subprocess
import sys


def losses(args: argparse.Namespace, seed: int, compute: str) -> list[float]:
    """One loss a step, of a fresh run."""
    out = pathlib.Path(args.work) / f"{compute}-{seed}"
    settings = {
        "data.manifest": args.manifest,
        "data.sampling": "balanced",
        "data.samples_per_epoch": args.steps * args.batch,
        "batch": args.batch,
        "schedule.epochs": 1,
        "schedule.warmup_epochs": 0.1,
        "seed": seed,
        "compute": compute,
        "attention": "matrices",
        "log_every": 1,
        "ema": 0,
        "out": str(out),
    }
    command = [args.train, "run", args.config]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}\n{done.stderr[-2000:]}")
    lines = (out / "steps.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def smoothed(values: list[float], width: int) -> list[float]:
    return [statistics.fmean(values[i : i + width]) for i in range(len(values) - width + 1)]


def distance(a: list[float], b: list[float]) -> float:
    return statistics.fmean(abs(x - y) for x, y in zip(a, b, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True, help="the program dfa-train")
    parser.add_argument("--config", required=True)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--work", required=True, help="an empty folder for the runs")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--smooth", type=int, default=20, help="steps that are averaged")
    args = parser.parse_args()

    wide = {seed: smoothed(losses(args, seed, "f32"), args.smooth) for seed in args.seeds}
    narrow = {seed: smoothed(losses(args, seed, "bf16"), args.smooth) for seed in args.seeds}
    for seed in args.seeds:
        print(f"seed {seed}: f32 {wide[seed][0]:.4f} -> {wide[seed][-1]:.4f}, bf16 {narrow[seed][0]:.4f} -> {narrow[seed][-1]:.4f}")
    precisions = [distance(wide[seed], narrow[seed]) for seed in args.seeds]
    seeds = [distance(wide[a], wide[b]) for a, b in itertools.combinations(args.seeds, 2)]
    print(f"bf16 against f32 at equal seed: {', '.join(f'{d:.4f}' for d in precisions)}, mean {statistics.fmean(precisions):.4f}")
    print(f"two seeds of f32:               {', '.join(f'{d:.4f}' for d in seeds)}, mean {statistics.fmean(seeds):.4f}")
    return 0 if statistics.fmean(precisions) <= statistics.fmean(seeds) else 1


if __name__ == "__main__":
    sys.exit(main())
