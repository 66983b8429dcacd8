#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at ten random moments of `dfa prepare`, then the same command to its end: the result must be that of an undisturbed run.

  scripts/prepare_kill_resume.py build/release/bin/dfa [--clips 12] [--kills 10] [--seed N]

The data set is copies of samples/swap_astronaut.mp4 in real/ and fake/. Every file of both results is compared, the pack and the journal included.
"""
import argparse
import hashlib
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

CLIP = pathlib.Path(__file__).resolve().parent.parent / "samples" / "swap_astronaut.mp4"


def command(args, folder, out):
    words = [args.dfa, "prepare", "folders", folder / "data", "--out", folder / out, "--frames", args.frames, "--threads", 2, "--pack", "--quiet"]
    return [str(word) for word in words]


def tree(folder):
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def finished_items(folder):
    journal = folder / ".prepare" / "journal.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dfa")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else time.time_ns() % 2**32
    moments = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for number in range(args.clips):
            target = folder / "data" / ("fake" if number % 2 else "real") / f"{number}.mp4"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(CLIP, target)
        begin = time.monotonic()
        subprocess.run(command(args, folder, "whole"), check=True, stdout=subprocess.DEVNULL)
        whole = time.monotonic() - begin
        killed = done = 0
        for _ in range(args.kills):
            process = subprocess.Popen(command(args, folder, "out"), stdout=subprocess.DEVNULL)
            time.sleep(moments.uniform(0, 0.35 * whole))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            now = finished_items(folder / "out")
            if now < done:
                print(f"seed {seed}: {done - now} finished items were lost")
                return 1
            done = now
        kept = done
        subprocess.run(command(args, folder, "out"), check=True, stdout=subprocess.DEVNULL)
        first, second = tree(folder / "whole"), tree(folder / "out")
    differing = sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
    print(f"seed {seed}: {args.kills} kills, {killed} in time; {kept} of {args.clips} items were finished before the last run; "
          f"{len(first)} files, {len(differing)} differ")
    for path in differing[:20]:
        print(f"  {path}")
    return 1 if differing or not killed else 0


if __name__ == "__main__":
    sys.exit(main())
