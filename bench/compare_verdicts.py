#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an engine changes in the verdicts: its scores of labelled pictures against those of f32.

Scores the crops of a manifest with each engine (those that made the model too: what is compared is arithmetic, not skill), prints
mean, 99th percentile and largest difference of p_fake over all of them, verdicts that change at 0.5, and, of the test part alone,
the AUC and the paired difference that `dfa evaluate --compare` gives. Needs the standard library only.

    bench/compare_verdicts.py --dfa build/release/bin/dfa --model m8.dfa --data faces.jsonl --engine int8 --engine bf16
    bench/compare_verdicts.py ... --engine int8@AVX2      the engine as a processor with AVX2 alone would run it; f32 is not capped
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROLES = ("train", "val", "calibration", "test")
THRESHOLD = 0.5
GOAL_AUC = 0.003


def run(command: list[str], isa: str = "") -> str:
    environment = dict(os.environ, ONEDNN_MAX_CPU_ISA=isa) if isa else None
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}")
    return done.stdout


def roles_of(manifest: str) -> list[str]:
    with open(manifest, encoding="utf-8") as lines:
        next(lines)
        there = {json.loads(line)["role"] for line in lines if line.strip()}
    return [role for role in ROLES if role in there]


def score(args: argparse.Namespace, word: str, role: str, file: pathlib.Path) -> None:
    """Scores once, by an engine[@isa]; a file that is there is kept, so that a run can go on."""
    if file.exists():
        return
    engine, _, isa = word.partition("@")
    part = file.with_suffix(".part")
    command = [args.dfa, "evaluate", "--data", args.data, "--role", role, "--engine", engine, "--i-know", "--scores", str(part), "--quiet"]
    if args.model:
        command += ["--model", args.model]
    run(command, isa)
    part.rename(file)


def read(file: pathlib.Path) -> dict[str, float]:
    with open(file, newline="", encoding="utf-8") as rows:
        return {row["path"]: float(row["p_fake"]) for row in csv.DictReader(rows) if row["p_fake"]}


def differences(want: dict[str, float], got: dict[str, float]) -> dict:
    if want.keys() != got.keys() or not want:
        sys.exit(f"{len(want)} crops scored by f32, {len(got)} by the other engine: expected the same ones")
    sizes = sorted(abs(got[path] - want[path]) for path in want)
    return {
        "crops": len(sizes),
        "mean": sum(sizes) / len(sizes),
        "p99": sizes[min(len(sizes) - 1, int(0.99 * len(sizes)))],
        "largest": sizes[-1],
        "flips": sum((want[path] >= THRESHOLD) != (got[path] >= THRESHOLD) for path in want),
    }


def auc_difference(args: argparse.Namespace, got: pathlib.Path, want: pathlib.Path) -> dict:
    """Of crops: the engine's, f32's, and their paired difference with its 95 % interval."""
    report = json.loads(run([args.dfa, "evaluate", "--compare", str(got), str(want), "--format", "json"]))
    rows = report["tables"]["comparison"]["rows"]
    return next(row for row in rows if row["level"] == "frame" and row["figure"] == "auc")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dfa", required=True, help="the dfa program")
    parser.add_argument("--data", required=True, help="manifest of labelled crops, some of role test")
    parser.add_argument("--model", help="model file (default: the embedded one); int8 needs one with scales")
    parser.add_argument("--engine", action="append", required=True, help="int8, bf16, either with a cap as in int8@AVX512_CORE_VNNI; as often as wanted")
    parser.add_argument("--role", action="append", choices=ROLES, help="only crops of this role; as often as wanted (default: all)")
    parser.add_argument("--keep", metavar="DIR", help="folder for the scores; those that are there are not made again")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    args = parser.parse_args()

    results, outside = {}, False
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(args.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        roles = [role for role in roles_of(args.data) if not args.role or role in args.role]
        if "test" not in roles:
            sys.exit(f"{args.data}: no crop of role test is left to take the AUC of")
        scores = {}
        for engine in ["f32", *args.engine]:
            for role in roles:
                score(args, engine, role, folder / f"{engine}-{role}.csv")
            scores[engine] = {path: p for role in roles for path, p in read(folder / f"{engine}-{role}.csv").items()}
        for engine in args.engine:
            found = differences(scores["f32"], scores[engine])
            found["test_auc"] = auc_difference(args, folder / f"{engine}-test.csv", folder / "f32-test.csv")
            results[engine] = found
            print(f"{engine} against f32, {found['crops']} crops: |difference of p_fake| mean {found['mean']:.5f}, "
                  f"99th percentile {found['p99']:.5f}, largest {found['largest']:.5f}; {found['flips']} verdicts changed")
            auc = found["test_auc"]
            change = auc["difference"]
            print(f"  AUC of the test part's crops {auc['first']:.4f} against {auc['second']:.4f}: {change['value']:+.5f}, "
                  f"95 % from {change['low']:+.5f} to {change['high']:+.5f} (goal: within {GOAL_AUC})")
            outside = outside or not abs(change["value"]) <= GOAL_AUC
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
