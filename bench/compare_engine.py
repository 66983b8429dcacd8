#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`dfa bench` against the same network in eager PyTorch, side by side in one sitting.

The two programs take turns, round by round, so that a machine that grows warm or busy slows both. Needs nothing but the
standard library itself; --python names an interpreter that has torch and numpy.

    bench/compare_engine.py --dfa build/release/bin/dfa --python VENV/bin/python --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

PEER = pathlib.Path(__file__).resolve().parent / "peers" / "eager_bench.py"


def run(command: list[str], threads: int) -> dict:
    """The last line or the whole of stdout as JSON."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    text = done.stdout.strip()
    return json.loads(text if text.startswith("{\n") else text.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dfa", required=True, help="the dfa program")
    parser.add_argument("--python", default=sys.executable, help="interpreter with torch (default: this one)")
    parser.add_argument("--engine", default="f32")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="timed passes a round and program")
    parser.add_argument("--skip-unused-rows", action="store_true", help="let PyTorch, too, leave out what nobody reads")
    parser.add_argument("--require", type=float, default=0.0, help="fail when the ratio is below this")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    args = parser.parse_args()

    sizes = ["--batch", str(args.batch), "--threads", str(args.threads), "--repeats", str(args.repeats)]
    ours = [args.dfa, "bench", "--engine", args.engine, "--config", "vit-b16", "--format", "json", "--warmup", "1", *sizes]
    peer = [args.python, str(PEER), "--warmup", "1", *sizes]
    if args.skip_unused_rows:
        peer.append("--skip-unused-rows")

    rounds = []
    for number in range(args.rounds):
        # Who begins changes: the first of a pair finds the machine cooler.
        pair = {}
        for name, command in (("dfa", ours), ("pytorch", peer))[:: 1 if number % 2 == 0 else -1]:
            pair[name] = run(command, args.threads)
        rounds.append(pair)
        figures = ", ".join(f"{name} {pair[name]['images_per_second_median']:.2f}" for name in ("dfa", "pytorch"))
        print(f"round {number + 1}: {figures} images/s", flush=True)

    seconds = {name: [s for pair in rounds for s in pair[name]["seconds_per_batch"]] for name in ("dfa", "pytorch")}
    medians = {name: args.batch / statistics.median(values) for name, values in seconds.items()}
    ratio = medians["dfa"] / medians["pytorch"]
    print(f"median of {args.rounds * args.repeats} passes each: dfa {medians['dfa']:.3f}, pytorch {medians['pytorch']:.3f} images/s")
    print(f"ratio of medians: {ratio:.3f}")
    gap = max(abs(a - b) for a, b in zip(rounds[0]["dfa"]["logits_row0"], rounds[0]["pytorch"]["logits_row0"], strict=True))
    print(f"largest difference of image 0's logits: {gap:.2e}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"rounds": rounds, "images_per_second": medians, "ratio": ratio}, indent=1) + "\n")
    if not gap <= 1e-3:
        print("the two programs do not compute the same: the ratio means nothing", file=sys.stderr)
        return 1
    return 0 if ratio >= args.require else 1


if __name__ == "__main__":
    sys.exit(main())
