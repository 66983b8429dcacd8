#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`dfa detect` beside a Python pipeline of facenet-pytorch, PyTorch and OpenCV: one video, the same network, in turns in one sitting.

    bench/compare_video.py --dfa build/release/bin/dfa --setup /var/tmp/peers --work /var/tmp/peers-models --require 4

The clip is made once in --work by ffmpeg: 1280x720, H.264, 30 s, a portrait of samples/ that moves. Both take 32 evenly spaced frames, find the
face, cut it out and score it by ViT-B/16 with GBA and LSA (weights by the hash rule: the scores mean nothing). Of the peer's ways to
read (grab every frame, seek) and batches (1, 8) the fastest is found first and then used. A round runs, in an order that changes: `dfa detect`
(the whole process), `dfa bench --video` (its stages, without start-up) and the peer, each in every precision asked for.

Printed: seconds with and without start-up (imports; models into memory), stages, and the ratio best of theirs / best of ours by each. --require
holds for the smaller ratio. Status 1 where it is missed or the two did not see the same faces. Needs the standard library and ffmpeg;
--python (or --setup) has the libraries of bench/peers/requirements*.txt.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(BENCH), str(BENCH / "peers")]
from clips import make_clip
from environment import cpu_facts, facts_line, quartiles, set_up

CLIP = {"portrait": "astronaut.png", "height": 420, "period": 5, "seconds": 30}
LEAST_IOU = 0.5
READS, BATCHES = ("grab", "seek"), (1, 8)


def run(command: list, threads: int) -> tuple[str, float, float]:
    """(stdout, seconds by the clock, peak MiB). Errors end the comparison."""
    begin = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\nended with status {process.returncode}: {errors.read()[-1000:]}")
    return output, time.monotonic() - begin, usage.ru_maxrss / 1024


class Ours:
    def __init__(self, options: argparse.Namespace, engine: str):
        self.options, self.engine, self.name = options, engine, f"dfa {engine}"
        model = options.work / ("model_int8.dfa" if engine == "int8" else "model.dfa")
        self.words = ["--model", model, "--engine", engine, "--threads", options.threads, "--frames", options.frames, "--format", "json"]

    def once(self) -> dict:
        record, seconds, peak = run([self.options.dfa, "detect", *self.words, "--quiet", self.options.clip], self.options.threads)
        item = json.loads(record)["items"][0]
        bench = [self.options.dfa, "bench", *self.words, "--video", self.options.clip, "--warmup", 0, "--repeats", 1]
        video = json.loads(run(bench, self.options.threads)[0])["video"]
        return {
            "process_seconds": seconds,
            "work_seconds": video["whole_seconds"][0],
            "stages": video["busy_seconds_by_stage"],
            "peak_mib": peak,
            "boxes": {face["frame"]: corners(face["box_px"]) for person in item["persons"] for face in person["faces"] if face["p_fake"] is not None},
        }


class Theirs:
    def __init__(self, options: argparse.Namespace, precision: str, read: str, batch: int):
        self.name = f"python {precision}"
        script = BENCH / "peers" / "video_facenet.py"
        self.threads = options.threads
        self.command = [options.python, script, options.clip, "--model", options.work / "model.dfa", "--frames", options.frames]
        self.command += ["--threads", options.threads, "--batch", batch, "--read", read, "--precision", precision]

    def once(self) -> dict:
        output, seconds, peak = run(self.command, self.threads)
        report = json.loads(output)
        return {
            "process_seconds": seconds,
            "work_seconds": report["whole_seconds"],
            "stages": report["stage_seconds"],
            "peak_mib": peak,
            "boxes": {face["frame"]: face["box"] for face in report["faces"]},
        }


def fastest_way(options: argparse.Namespace) -> tuple[str, int]:
    """By which way of reading, and of which batches, the peer is fastest; found on one run each."""
    ways = {(read, batch): 0.0 for read in ([options.read] if options.read else READS) for batch in ([options.batch] if options.batch else BATCHES)}
    if len(ways) > 1:
        for read, batch in ways:
            ways[read, batch] = Theirs(options, options.precisions[0], read, batch).once()["work_seconds"]
            print(f"peer reading by {read}, batches of {batch}: {ways[read, batch]:.2f} s", flush=True)
    return min(ways, key=ways.get)


def corners(box: list[float]) -> list[float]:
    """A record's box is left, top, width, height."""
    return [box[0], box[1], box[0] + box[2], box[1] + box[3]]


def iou(a: list[float], b: list[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def same_faces(ours: dict, theirs: dict) -> int:
    """Frames in which both scored a face at the same place."""
    return sum(iou(ours[frame], theirs[frame]) >= LEAST_IOU for frame in ours.keys() & theirs.keys())


def median(runs: list[dict], key: str) -> float:
    return quartiles([one[key] for one in runs])[1]


def print_row(name: str, runs: list[dict]) -> None:
    low, middle, high = quartiles([one["work_seconds"] for one in runs])
    stages = {stage: quartiles([one["stages"].get(stage, 0.0) for one in runs])[1] for stage in runs[0]["stages"]}
    split = ", ".join(f"{stage} {seconds:.3f}" for stage, seconds in stages.items())
    process = median(runs, "process_seconds")
    print(f"{name:<14}{middle:>8.3f} s ({low:.3f} to {high:.3f}), process {process:.3f} s, peak {median(runs, 'peak_mib'):.0f} MiB; {split}")


def ratio_of(results: dict[str, list[dict]], key: str) -> dict:
    """Their best over our best, by the median over rounds of each round's ratio."""
    ours = min((name for name in results if name.startswith("dfa")), key=lambda name: median(results[name], key))
    theirs = min((name for name in results if name.startswith("python")), key=lambda name: median(results[name], key))
    low, middle, high = quartiles([b[key] / a[key] for a, b in zip(results[ours], results[theirs], strict=True)])
    return {"ours": ours, "peer": theirs, "median": round(middle, 3), "quartiles": [round(low, 3), round(high, 3)]}


def compare(options: argparse.Namespace) -> int:
    facts = cpu_facts()
    read, batch = fastest_way(options)
    runners = [Ours(options, engine) for engine in options.engines] + [Theirs(options, precision, read, batch) for precision in options.precisions]
    results: dict[str, list[dict]] = {runner.name: [] for runner in runners}
    for number in range(options.rounds):
        begin = number % len(runners)
        for runner in runners[begin:] + runners[:begin]:
            results[runner.name].append(runner.once())
        print(f"round {number + 1}: " + ", ".join(f"{name} {runs[-1]['work_seconds']:.2f} s" for name, runs in results.items()), flush=True)
    print()
    for name, runs in results.items():
        print_row(name, runs)
    ratios = {key: ratio_of(results, key) for key in ("work_seconds", "process_seconds")}
    for key, ratio in ratios.items():
        what = "without start-up" if key == "work_seconds" else "whole process"
        print(f"ratio {what}: {ratio['peer']} / {ratio['ours']} = {ratio['median']:.2f} (quartiles {ratio['quartiles'][0]:.2f} to {ratio['quartiles'][1]:.2f})")
    ours, theirs = (results[runner.name][0]["boxes"] for runner in (runners[0], runners[-1]))
    same = same_faces(ours, theirs)
    print(f"faces: {len(ours)} of ours, {len(theirs)} of theirs, {same} at the same place")
    print(f"{facts_line(facts)}; {options.threads} threads, {options.rounds} rounds, the peer reads by {read} in batches of {batch}")
    if options.json:
        kept = {name: [{key: value for key, value in one.items() if key != "boxes"} for one in runs] for name, runs in results.items()}
        report = {"schema": "dfa.peers_video/1", "machine": facts, "threads": options.threads, "frames": options.frames, "clip": CLIP, "peer": {"read": read, "batch": batch},
                  "runs": kept, "ratios": ratios, "faces": [len(ours), len(theirs), same]}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    good = same >= 0.9 * max(len(ours), len(theirs), 1) and min(ratio["median"] for ratio in ratios.values()) >= options.require
    return 0 if good else 1


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dfa", required=True, type=pathlib.Path, help="the dfa program")
    parser.add_argument("--setup", type=pathlib.Path, metavar="VENV", help="make this virtual environment where it is not there yet, and use it")
    parser.add_argument("--python", type=pathlib.Path, default=sys.executable, help="interpreter with the libraries (default: --setup's, or this one)")
    parser.add_argument("--work", type=pathlib.Path, help="folder for model and clip, taken again next time (default: a temporary one)")
    parser.add_argument("--engines", default="f32,bf16", help="of ours, separated by commas; int8 needs model_int8.dfa in --work, which bench/peers/compare.py makes")
    parser.add_argument("--precisions", default="f32,bf16", help="of the peer's network")
    parser.add_argument("--read", choices=READS, help="how the peer reads (default: the faster)")
    parser.add_argument("--batch", type=int, help="of the peer (default: the faster of 1 and 8)")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--require", type=float, default=0.0, help="status 1 when a ratio is below this")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    options.engines, options.precisions = options.engines.split(","), options.precisions.split(",")
    if options.setup:
        options.python = set_up(options.setup.resolve())
    with contextlib.ExitStack() as stack:
        if options.work is None:
            options.work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options.work, options.dfa = options.work.resolve(), options.dfa.resolve()
        run([options.python, BENCH / "peers" / "prepare_peers.py", "--dfa", options.dfa, "--work", options.work, "--make", "model"], options.threads)
        options.clip = options.work / "face_1280x720_30s.mp4"
        if not options.clip.exists():
            make_clip(options.clip, **CLIP)
        return compare(options)


if __name__ == "__main__":
    sys.exit(main())
