#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`dfa` beside PyTorch, ONNX Runtime and OpenVINO: the same network, the same images, in turns in one sitting.

    bench/peers/compare.py --dfa build/release/bin/dfa --setup /var/tmp/peers --work /var/tmp/peers-models --json peers.json
    bench/peers/compare.py --dfa build/release/bin/dfa --setup /var/tmp/peers --isa AVX2 --only dfa-f32,pytorch-f32,openvino-f32

--setup makes a virtual environment with the libraries of requirements.txt from PyPI (once); --python names one that is there. The network
is ViT-B/16 with GBA and LSA and weights by the hash rule; the peers but PyTorch run it as `dfa export --to onnx` writes it, in int8 after
their own quantisers. Each peer is one process for the whole run: it loads, compiles, gives its logits, and then times passes when asked,
one peer at a time, round by round, each round in another order. `dfa bench` is started anew each round. All of them together hold 10 GB. What a peer cannot do is a row that says why.

A ratio is the median over rounds of (seconds of the peer / seconds of ours), medians within the round. --isa caps our kernels,
OpenVINO's and PyTorch's (oneDNN, MKL, ATen). MLAS, ONNX Runtime's kernels, has no cap of its own, and OpenVINO takes it for some f32 products:
cap_cpuid.c hides the instruction sets from all (needs cc and a processor whose CPUID can trap). Where it cannot, such rows are marked, and
ratios under a cap are printed without and with them; --require means those without.
Needs the standard library alone. Status 1 where f32 figures differ or a --require is missed.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import selectors
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from environment import HERE, cpu_facts, facts_line, quartiles, set_up

# |logit - ours in f32| of an f32 library: sums of a hundred layers in another order.
F32_TOLERANCE = 1e-3
START_SECONDS, ROUND_SECONDS = 900, 300
# Threads of the peer before stop spinning.
SETTLE_SECONDS = 0.5
ISA_CAPS = ("AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI", "AVX512_CORE_BF16", "AVX512_CORE_AMX")

SIDE_BY_SIDE = "-side-by-side"
OURS = ("dfa-f32", "dfa-bf16", "dfa-int8", "dfa-bf16-side-by-side", "dfa-int8-side-by-side")
# What must lie in the work folder before a peer can start.
NEEDS = {
    "dfa-f32": (),
    "dfa-bf16": (),
    "dfa-int8": ("calibration",),
    # A batch for each thread at once, which divide the machine: throughput.
    "dfa-bf16-side-by-side": (),
    "dfa-int8-side-by-side": ("calibration",),
    "pytorch-f32": (),
    "pytorch-bf16": (),
    "pytorch-compiled-bf16": (),
    "onnxruntime-f32": ("onnx",),
    "onnxruntime-int8-dynamic": ("onnx", "folded", "onnxruntime-int8-dynamic"),
    "onnxruntime-int8-static": ("onnx", "folded", "onnxruntime-int8-static"),
    "openvino-f32": ("onnx",),
    "openvino-bf16": ("onnx",),
    "openvino-int8": ("onnx", "folded", "openvino-int8"),
    "openvino-int8-bf16": ("onnx", "folded", "openvino-int8"),
    "openvino-bf16-side-by-side": ("onnx",),
    "openvino-int8-bf16-side-by-side": ("onnx", "folded", "openvino-int8"),
}


class PeerError(Exception):
    """Why a peer has no figures."""


@dataclasses.dataclass
class Row:
    name: str
    rounds: list[list[float]] = dataclasses.field(default_factory=list)  # seconds a pass
    facts: dict = dataclasses.field(default_factory=dict)
    problem: str = ""
    gap: float | None = None

    def seconds(self) -> list[float]:
        return [second for one in self.rounds for second in one]


def reason_in(text: str) -> str:
    """The line of a program's talk that says why it ended: our own begins with its name, Python's is the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("dfa: ")]
    return (ours or lines[-1:] or ["no message"])[0][:300]


def run(command: list, environment: dict, what: str) -> subprocess.CompletedProcess:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise PeerError(f"{what}: status {done.returncode}: {reason_in(done.stderr)}")
    return done


class Worker:
    """A peer that stays: worker.py in the peers' Python."""

    def __init__(self, options: argparse.Namespace, environment: dict, name: str):
        self.warmup, self.log = options.warmup, tempfile.TemporaryFile("w+")
        command = [options.python, HERE / "worker.py", "--peer", name, "--work", options.work, "--batch", options.batch, "--threads", options.threads]
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment
        )
        self.facts = self.answer(START_SECONDS)

    def answer(self, limit: float):
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            if not waiting.select(limit):
                raise PeerError(f"no answer within {limit:.0f} s")
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        status = self.process.wait()
        self.log.seek(0)
        raise PeerError(f"ended with status {status}: {reason_in(self.log.read())}")

    def passes(self, count: int) -> list[float]:
        try:
            print(count, self.warmup, file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass  # answer() says what became of it
        return self.answer(ROUND_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Ours:
    """`dfa bench`, started anew each time: it builds its network before its clock counts."""

    def __init__(self, options: argparse.Namespace, environment: dict, name: str):
        engine = name.removeprefix("dfa-").removesuffix(SIDE_BY_SIDE)
        self.environment, self.instances = environment, options.threads if name.endswith(SIDE_BY_SIDE) else 1
        model = options.work / "model.dfa"
        if engine == "int8":
            model = options.work / "model_int8.dfa"
            if not model.exists():
                export = [options.dfa, "export", options.work / "model.dfa", "--to", "int8"]
                run([*export, "--calibrate", options.work / "calibration.jsonl", "--role", "calibration", "--out", model], environment, "dfa export --to int8")
        self.command = [options.dfa, "bench", "--model", model, "--engine", engine, "--format", "json"]
        self.command += ["--batch", options.batch, "--threads", options.threads, "--warmup", options.warmup, "--instances", self.instances]
        report = self.bench(1, ["--steps"])
        self.facts = {
            "library": f"dfa {report['tool']['version']} ({report['tool']['build']})",
            "isa": report["engine"]["isa"],
            "build_seconds": report["build_seconds"],
            "peak_memory_mib": report["peak_memory_mib"],
            "footprint_bytes": report.get("footprint_bytes"),
            "ran_in": kernels_of(report["step_kernels"]),
            "logits": report["logits"],
        }

    def bench(self, passes: int, more: list) -> dict:
        return json.loads(run([*self.command, "--repeats", passes, *more], self.environment, "dfa bench").stdout)

    def passes(self, count: int) -> list[float]:
        return [seconds / self.instances for seconds in self.bench(count, [])["seconds_per_batch"]]

    def close(self) -> None:
        pass


def kernels_of(steps: dict[str, str]) -> dict[str, int]:
    """How many products and convolutions got which kernel: the trace has "op,shape,element,isa,kernel" a step."""
    counts: collections.Counter = collections.Counter()
    for line in steps.values():
        op, _, element, _, kernel, *_ = line.split(",")
        if op in ("linear", "conv+relu", "attention"):
            counts[f"{op} {element} {kernel}"] += 1
    return dict(counts)


def environment_for(options: argparse.Namespace) -> dict:
    """Threads and the cap; a cap of the caller's own does not slip in."""
    environment = {name: value for name, value in os.environ.items() if name not in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "DFA_TRACE")}
    environment |= {"OMP_NUM_THREADS": str(options.threads), "TORCHINDUCTOR_CACHE_DIR": str(options.work / "inductor")}
    if options.isa:
        environment["ONEDNN_MAX_CPU_ISA"] = options.isa
        narrow = options.isa.startswith("AVX2")
        environment["MKL_ENABLE_INSTRUCTIONS"] = "AVX2" if narrow else "AVX512"
        environment["ATEN_CPU_CAPABILITY"] = "avx2" if narrow else "avx512"
    if options.cap_cpuid:
        environment |= {"LD_PRELOAD": str(options.cap_cpuid), "DFA_CAP_CPUID": options.isa}
    return environment


def build_cap(options: argparse.Namespace) -> pathlib.Path | None:
    """What hides instruction sets from every program, MLAS among them; none without a C compiler, without a processor whose CPUID can trap, or without a cap."""
    if not options.isa:
        return None
    library = options.work.resolve() / "cap_cpuid.so"
    compiler = os.environ.get("CC", "cc")
    try:
        subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, HERE / "cap_cpuid.c"], check=True)
        subprocess.run(["true"], env=dict(os.environ, LD_PRELOAD=str(library), DFA_CAP_CPUID=options.isa), check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"MLAS runs uncapped here: {error}", flush=True)
        return None
    return library


def prepare(options: argparse.Namespace, rows: list[Row]) -> None:
    """Makes what the rows need; a row whose things cannot be made keeps the reason."""
    failed: dict[str, str] = {}
    for row in rows:
        for thing in ("model", *NEEDS[row.name]):
            if thing in failed:
                row.problem = failed[thing]
                break
            command = [options.python, HERE / "prepare_peers.py", "--dfa", options.dfa, "--work", options.work, "--make", thing]
            try:
                run(command, dict(os.environ, OMP_NUM_THREADS=str(options.threads)), f"making {thing}")
            except PeerError as error:
                row.problem = failed[thing] = str(error)
                break


def start(options: argparse.Namespace, rows: list[Row], stack: contextlib.ExitStack) -> dict:
    environment, engines = environment_for(options), {}
    for row in rows:
        if row.problem:
            continue
        try:
            engine = (Ours if row.name in OURS else Worker)(options, environment, row.name)
        except (PeerError, json.JSONDecodeError, KeyError) as error:
            row.problem = str(error) or repr(error)
            print(f"{row.name}: {row.problem}", flush=True)
            continue
        stack.callback(engine.close)
        engines[row.name], row.facts = engine, engine.facts
        print(f"{row.name}: ready, built in {engine.facts['build_seconds']:.1f} s", flush=True)
    return engines


def time_rounds(options: argparse.Namespace, rows: list[Row], engines: dict) -> None:
    for number in range(options.rounds):
        running = [row for row in rows if not row.problem]
        begin = number % max(1, len(running))
        figures = []
        for row in running[begin:] + running[:begin]:
            time.sleep(SETTLE_SECONDS)
            try:
                row.rounds.append(engines[row.name].passes(options.passes))
            except PeerError as error:
                row.problem = str(error)
                continue
            figures.append(f"{row.name} {options.batch / quartiles(row.rounds[-1])[1]:.2f}")
        print(f"round {number + 1} (images/s): {', '.join(figures)}", flush=True)


def compare_logits(rows: list[Row]) -> bool:
    """Fills each row's largest difference from our f32 engine; whether all f32 rows agree. Without dfa-f32, the first f32 row is the yardstick."""
    yardsticks = [row for row in rows if row.name.endswith("f32") and "logits" in row.facts]
    if not yardsticks:
        return True
    agreed = True
    for row in rows:
        if "logits" not in row.facts:
            continue
        pairs = zip(yardsticks[0].facts["logits"], row.facts["logits"], strict=True)
        differences = [abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True)]
        row.gap = max(differences) if all(value == value for value in differences) else float("nan")
        if row.name.endswith("f32") and not row.gap <= F32_TOLERANCE:
            agreed = False
            row.problem = f"logits differ by {row.gap:.1e}, allowed {F32_TOLERANCE:.0e}"
    return agreed


def ratio(ours: Row, peer: Row) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile over rounds of how many times faster `ours` was."""
    return quartiles([quartiles(theirs)[1] / quartiles(own)[1] for own, theirs in zip(ours.rounds, peer.rounds, strict=False)])


def fastest(rows: list[Row]) -> Row | None:
    measured = [row for row in rows if row.rounds]
    return min(measured, key=lambda row: quartiles(row.seconds())[1], default=None)


def beyond_cap(row: Row, options: argparse.Namespace) -> bool:
    """MLAS, which is ONNX Runtime's and does some of OpenVINO's f32 products, knows no cap: only cap_cpuid.c holds it."""
    return bool(options.isa) and not options.cap_cpuid and (row.name.startswith("onnxruntime") or any("mlas" in kernel for kernel in row.facts.get("ran_in", ())))


def named_ratios(rows: list[Row], options: argparse.Namespace) -> dict[str, tuple[Row, Row]]:
    """The pairs that count: best against best, bf16 against OpenVINO's bf16, f32 against the best f32. Under a cap, against peers that keep to
    it, and once more against all."""
    pairs = pairs_among(rows, [row for row in rows if not beyond_cap(row, options)])
    if any(beyond_cap(row, options) for row in rows):
        pairs |= {f"{name}, uncapped peers too": pair for name, pair in pairs_among(rows, rows).items()}
    return pairs


def pairs_among(rows: list[Row], peers: list[Row]) -> dict[str, tuple[Row, Row]]:
    ours = [row for row in rows if row.name in OURS]
    peers = [row for row in peers if row.name not in OURS]
    pairs = {
        "best": (fastest(ours), fastest(peers)),
        "int8": (fastest([row for row in ours if row.name == "dfa-int8"]), fastest([row for row in peers if not row.name.endswith(SIDE_BY_SIDE)])),
        "bf16": (fastest([row for row in ours if row.name == "dfa-bf16"]), fastest([row for row in peers if row.name == "openvino-bf16"])),
        "bf16-best": (fastest([row for row in ours if "-bf16" in row.name]), fastest([row for row in peers if row.name.startswith("openvino-bf16")])),
        "f32": (fastest([row for row in ours if row.name == "dfa-f32"]), fastest([row for row in peers if row.name.endswith("-f32")])),
        "f32-all": (fastest([row for row in ours if row.name == "dfa-f32"]), fastest(peers)),
    }
    return {name: pair for name, pair in pairs.items() if all(pair)}


def print_table(options: argparse.Namespace, rows: list[Row]) -> None:
    best = fastest([row for row in rows if row.name in OURS])
    print(f"\n{'':<36}{'images/s':>9}{'quartiles':>16}{'ours is':>16}{'logits differ':>15}")
    for row in rows:
        mark = " (uncapped)" if beyond_cap(row, options) else ""
        if not row.rounds:
            print(f"{row.name + mark:<36}  none: {row.problem}")
            continue
        low, middle, high = quartiles(row.seconds())
        times = f"{ratio(best, row)[1]:.2f} x as fast" if best and row is not best else ""
        gap = "" if row.gap is None else f"{row.gap:.1e}"
        print(f"{row.name + mark:<36}{options.batch / middle:>9.2f}{options.batch / high:>8.2f}{options.batch / low:>8.2f}{times:>16}{gap:>15}  {row.problem}")


def report(options: argparse.Namespace, rows: list[Row], before: dict) -> dict:
    print_table(options, rows)
    ratios = {}
    for name, (ours, peer) in named_ratios(rows, options).items():
        low, middle, high = ratio(ours, peer)
        ratios[name] = {"ours": ours.name, "peer": peer.name, "median": round(middle, 4), "quartiles": [round(low, 4), round(high, 4)]}
        print(f"ratio {name}: {ours.name} / {peer.name} = {middle:.3f} (quartiles {low:.3f} to {high:.3f})")
    print(f"{facts_line(before)}; batch {options.batch}, {options.threads} threads, {options.rounds} rounds of {options.passes} passes, cap {options.isa or 'none'}{' for all' if options.cap_cpuid else ''}")
    entries = []
    for row in rows:
        entry = {"name": row.name, "problem": row.problem, "largest_logit_difference": row.gap, "seconds_per_batch": row.rounds, **row.facts}
        if row.rounds:
            entry["images_per_second_quartiles"] = [round(options.batch / value, 4) for value in reversed(quartiles(row.seconds()))]
        entries.append(entry)
    return {"schema": "dfa.peers/1", "machine": before, "load_average_after": cpu_facts()["load_average"], "batch": options.batch, "threads": options.threads,
            "rounds": options.rounds, "passes": options.passes, "isa_cap": options.isa, "cpuid_capped": bool(options.cap_cpuid), "rows": entries, "ratios": ratios}


def requirements(words: list[str]) -> dict[str, float]:
    """NAME=RATIO, or a number alone for the best of both sides."""
    wanted = {}
    for word in words:
        name, _, value = word.rpartition("=")
        wanted[name or "best"] = float(value)
    return wanted


def missed(wanted: dict[str, float], ratios: dict) -> list[str]:
    found = {name: ratios[name]["median"] if name in ratios else None for name in wanted}
    return [f"{name}: {found[name]} where {least} is required" for name, least in wanted.items() if found[name] is None or not found[name] >= least]


def chosen_rows(words: str | None) -> list[Row]:
    names = list(NEEDS) if words is None else words.split(",")
    unknown = [name for name in names if name not in NEEDS]
    if unknown:
        sys.exit(f"--only {','.join(unknown)}: not known; expected of {', '.join(NEEDS)}")
    return [Row(name) for name in names]


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dfa", required=True, type=pathlib.Path, help="the dfa program")
    parser.add_argument("--setup", type=pathlib.Path, metavar="VENV", help="make this virtual environment where it is not there yet, and use it")
    parser.add_argument("--python", type=pathlib.Path, default=sys.executable, help="interpreter with the libraries (default: --setup's, or this one)")
    parser.add_argument("--work", type=pathlib.Path, help="folder for the models, 1.6 GB, taken again next time (default: a temporary one)")
    parser.add_argument("--only", metavar="PEER,..", help=f"of {', '.join(NEEDS)}")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--passes", type=int, default=3, help="timed passes a round and peer")
    parser.add_argument("--warmup", type=int, default=1, help="passes before the clock counts, each round")
    parser.add_argument("--isa", choices=ISA_CAPS, help="cap the instruction set")
    parser.add_argument("--require", action="append", default=[], metavar="[NAME=]RATIO", help="status 1 below it; NAME: best, int8, bf16, bf16-best, f32, f32-all")
    parser.add_argument("--prepare-only", action="store_true", help="make what the peers run, and stop")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures")
    return parser.parse_args()


def compare(options: argparse.Namespace, stack: contextlib.ExitStack) -> int:
    rows, wanted = chosen_rows(options.only), requirements(options.require)
    if options.work is None:
        options.work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
    options.work, options.dfa = options.work.resolve(), options.dfa.resolve()
    prepare(options, rows)
    if options.prepare_only:
        return 0
    before = cpu_facts()
    engines = start(options, rows, stack)
    agreed = compare_logits(rows)
    time_rounds(options, rows, engines)
    result = report(options, rows, before)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    misses = missed(wanted, result["ratios"])
    for miss in misses:
        print(miss, file=sys.stderr)
    if not agreed:
        print("f32 figures differ: the ratios mean nothing", file=sys.stderr)
    return 0 if agreed and not misses else 1


def main() -> int:
    options = parse_options()
    if options.setup:
        options.python = set_up(options.setup.resolve())
    options.work.mkdir(parents=True, exist_ok=True)
    options.cap_cpuid = build_cap(options)
    with contextlib.ExitStack() as stack:
        return compare(options, stack)


if __name__ == "__main__":
    sys.exit(main())
