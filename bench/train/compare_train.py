#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Training steps of ViT-B/16 with adapters against the same network in eager f32 PyTorch, side by side in one sitting.

The two programs take turns, round by round, so that a machine that grows warm or busy slows both. --python names an
interpreter that has torch and numpy.

    bench/train/compare_train.py --ours build/train/bin/train_bench --python VENV/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

PEER = pathlib.Path(__file__).resolve().parent.parent / "peers" / "eager_train.py"


def run(command: list[str]) -> dict:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True, help="the program train_bench")
    parser.add_argument("--python", default=sys.executable, help="interpreter with torch (default: this one)")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps a round of ours; the peer takes half of them")
    parser.add_argument("--compute", choices=("bf16", "f32"), default="bf16")
    parser.add_argument("--attention", default="matrices")
    args = parser.parse_args()

    sizes = ["--batch", str(args.batch), "--threads", str(args.threads)]
    ours = [args.ours, "--compute", args.compute, "--attention", args.attention, "--steps", str(args.steps), *sizes]
    peer = [args.python, str(PEER), "--steps", str(max(2, args.steps // 2)), *sizes]
    rounds = []
    for number in range(args.rounds):
        pair = {}
        for name, command in (("ours", ours), ("peer", peer))[:: 1 if number % 2 == 0 else -1]:
            pair[name] = run(command)
        rounds.append(pair)
        print(
            f"round {number + 1}: {pair['ours']['images_per_second_median']:.2f} against "
            f"{pair['peer']['images_per_second_median']:.2f} img/s, peak {pair['ours']['peak_memory_mib']:.0f} against "
            f"{pair['peer']['peak_memory_mib']:.0f} MiB"
        )
    first = rounds[0]["ours"]
    print(f"{first['cpu']}, {args.threads} threads, {' '.join(first['isa'])}; batch {args.batch}, {args.compute}")
    speed = statistics.median(r["ours"]["images_per_second_median"] / r["peer"]["images_per_second_median"] for r in rounds)
    memory = statistics.median(r["ours"]["peak_memory_mib"] / r["peer"]["peak_memory_mib"] for r in rounds)
    print(f"images per second: {speed:.2f} times the peer's; peak memory: {100 * memory:.0f} % of the peer's")
    return 0


if __name__ == "__main__":
    sys.exit(main())
