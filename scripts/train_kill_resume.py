#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments of a training run, then `dfa-train resume` to its end: the result must be that of an undisturbed run.

  scripts/train_kill_resume.py build/train/bin/dfa-train [--kills 10] [--epochs 6] [--seed N]

A small network on made crops, with a weight average, augmentation, states saved every fifth step and kept every second epoch. Compared are every tensor of
every checkpoint (SHA-256), the place each of them names, metrics.jsonl and steps.jsonl without the fields that tell of the machine, and the points in the
TensorBoard files, which must be there once each.
"""
import argparse
import hashlib
import json
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

MACHINE_FIELDS = {"train_seconds", "val_seconds", "crops_per_second", "peak_memory_mib"}
SIDE = 32


def bitmap(pixels):
    """A 24-bit BMP of SIDE x SIDE; rows are a multiple of four bytes."""
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54 + len(pixels), 0, 54, 40, SIDE, SIDE, 1, 24, 0, len(pixels), 0, 0, 0, 0) + pixels


def make_crops(folder):
    draw = random.Random(1)
    lines = [{"dfa_manifest": 1, "crop": {"recipe": "square1.3-inside", "stored_px": SIDE}, "root": "."}]
    for role, count in (("train", 48), ("val", 8)):
        for number in range(count):
            fake = number % 2
            light = [90 if fake and x < SIDE // 2 and y < SIDE // 2 else 0 for y in range(SIDE) for x in range(SIDE)]
            name = f"{role}{number}.bmp"
            (folder / name).write_bytes(bitmap(bytes(60 + add + draw.randrange(64) for add in light for _ in range(3))))
            lines.append({"path": name, "label": fake, "role": role, "method": "corner" if fake else "", "video": None})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_config(folder, epochs):
    config = {
        "network": {"image": 32, "patch": 16, "dim": 24, "depth": 2, "heads": 3, "lsa_heads": 3, "bottleneck": 4, "spm_width": 8, "stages": [[0, 0], [1, 1]]},
        "crop": {"name": "square1.3-inside", "stored_px": SIDE},
        "data": {"manifest": str(folder / "manifest.jsonl"), "workers": 2},
        "augment": {"flip": 0.5, "brightness": {"p": 0.5, "low": -0.1, "high": 0.1}},
        "optimizer": {"rule": "adamw"},
        "schedule": {"rate": 0.002, "rate_unit": "absolute", "epochs": epochs, "warmup_epochs": 1},
        "batch": 4, "ema": 0.9, "threads": 1, "checkpoint_every": 2, "checkpoint_steps": 5, "keep_every": 2, "log_every": 1,
    }
    (folder / "config.json").write_text(json.dumps(config))


def tensors_of(path):
    """Name -> SHA-256 of each tensor of a safetensors file, and where the checkpoint stands."""
    data = path.read_bytes()
    length = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + length])
    state = json.loads(header.pop("__metadata__")["dfa.run_state"])
    body = memoryview(data)[8 + length:]
    hashes = {name: hashlib.sha256(body[slice(*entry["data_offsets"])]).hexdigest() for name, entry in header.items()}
    return hashes, {key: state[key] for key in ("epoch", "step", "loss_sum", "norm_sum", "best_auc", "best_epoch", "kind")}


def lines_of(path):
    return [{key: value for key, value in json.loads(line).items() if key not in MACHINE_FIELDS} for line in path.read_text().splitlines()]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of a protocol buffer message; what is 4 or 8 bytes wide stays bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def points_of(folder):
    """(step, tag, value) of every TensorBoard point, in order of the files. Sums are the business of the unit test."""
    points = []
    for path in sorted((folder / "tensorboard").iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            size = struct.unpack_from("<Q", data, at)[0]
            event = dict(fields(data[at + 12:at + 12 + size]))
            at += 16 + size
            for _, value in fields(event.get(5, b"")):
                tag, number = (part for _, part in fields(value))
                if tag.decode() != "speed/crops_per_second" and tag.decode() != "epoch/peak_memory_mib":
                    points.append((event[2], tag.decode(), struct.unpack("<f", number)[0]))
    return points


def result_of(folder):
    found = {path.name: tensors_of(path) for path in sorted(folder.glob("*.safetensors"))}
    found["metrics.jsonl"], found["steps.jsonl"] = lines_of(folder / "metrics.jsonl"), lines_of(folder / "steps.jsonl")
    found["tensorboard"] = points_of(folder)
    found["files"] = sorted(path.name for path in folder.iterdir())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dfa_train", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=None)
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else time.time_ns() % 2**32
    moments = random.Random(seed)
    program = str(args.dfa_train.resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_crops(folder)
        write_config(folder, args.epochs)

        def start(out):
            """Goes on where a state is, else begins."""
            if (out / "last.safetensors").exists():
                words = [program, "resume", str(out)]
            else:
                words = [program, "run", str(folder / "config.json"), "--set", f"out={out}"]
            return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

        def finish(out):
            process = start(out)
            message = process.communicate()[1]
            if process.returncode != 0:
                sys.exit(f"seed {seed}: status {process.returncode}\n{message}")

        finish(folder / "whole")
        steps = len(lines_of(folder / "whole" / "steps.jsonl"))
        log, killed, stands = folder / "cut" / "steps.jsonl", 0, []
        for _ in range(args.kills):
            before = log.stat().st_mtime_ns if log.exists() else 0
            process = start(folder / "cut")
            # Half of such a short run is the loading of libraries, so a moment is some steps after the first that is new, and a bit of time, which may be
            # the middle of a save or of a validation.
            wanted, limit = None, time.monotonic() + 60
            while process.poll() is None and time.monotonic() < limit:
                if log.exists() and log.stat().st_mtime_ns != before:
                    lines = log.read_bytes().count(b"\n")
                    wanted = wanted or lines + moments.randrange(1, max(2, 2 * steps // (args.kills + 1)))
                    if lines >= wanted:
                        break
                time.sleep(0.0005)
            time.sleep(moments.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            process.stderr.close()
            if (folder / "cut" / "last.safetensors").exists():
                place = tensors_of(folder / "cut" / "last.safetensors")[1]
                stands.append(f"{place['epoch']}.{place['step']}")
        finish(folder / "cut")
        first, second = result_of(folder / "whole"), result_of(folder / "cut")
    differing = sorted(key for key in first.keys() | second.keys() if first.get(key) != second.get(key))
    print(f"seed {seed}: {args.kills} kills, {killed} in time; states (epoch.step) after them: {' '.join(stands)}; {steps} steps; "
          f"{len(first)} things compared, {len(differing)} differ")
    for key in differing:
        print(f"  {key}")
        if isinstance(first.get(key), list) and isinstance(second.get(key), list):
            print("   ", [item for item in first[key] if item not in second[key]][:3], [item for item in second[key] if item not in first[key]][:3])
    return 1 if differing or killed < min(args.kills, 2) else 0


if __name__ == "__main__":
    sys.exit(main())
