#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does `dfa-train plan` say what then happens? For each configuration: the plan, then the run, and the ratios of peak memory and of time.

  bench/train/check_plan.py build/train/bin/dfa-train [--only small] [--steps 8]

Configurations: a small network; the embedded model's network; ViT-B/16 at batch 2 and 8. Crops are made. Time is that of the steps and the validation (the run's own
figures, first epoch left out where there are several: it builds the kernels), memory the largest resident set that the run reports. Times need a quiet machine.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

SMALL = {"image": 64, "patch": 8, "dim": 96, "depth": 4, "heads": 3, "lsa_heads": 3, "bottleneck": 16, "spm_width": 32, "stages": [[0, 1], [2, 3]]}
FACES = {"image": 64, "patch": 8, "dim": 192, "depth": 8, "heads": 3, "lsa_heads": 3, "bottleneck": 32, "spm_width": 64, "stages": [[0, 3], [4, 7]], "readout": "level-mean"}
# name: network, side of the crops, batch, training crops, epochs, other keys
CASES = {
    "small": (SMALL, 96, 16, 320, 3, {"optimizer": {"rule": "adamw"}}),
    "faces": (FACES, 192, 32, 320, 2, {"optimizer": {"rule": "adamw"}, "ema": 0.99}),
    "vit-b16-batch2": ({}, 224, 2, 24, 2, {}),
    "vit-b16-batch8": ({}, 224, 8, 64, 2, {}),
    "vit-b16-batch8-bf16": ({}, 224, 8, 64, 2, {"compute": "bf16", "attention": "matrices"}),
}


def bitmap(side, draw):
    """A 24-bit BMP of coarse noise; side is a multiple of 8."""
    rows = []
    for _ in range(side // 8):
        row = b"".join(draw.randbytes(3) * 8 for _ in range(side // 8))
        rows.append(row * 8)
    pixels = b"".join(rows)
    header = b"BM" + (54 + len(pixels)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    header += side.to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(4) + len(pixels).to_bytes(4, "little") + bytes(16)
    return header + pixels


def make_crops(folder, side, train, val):
    draw = random.Random(1)
    lines = [{"dfa_manifest": 1, "crop": {"recipe": "square1.3-inside", "stored_px": side}, "root": "."}]
    for role, count in (("train", train), ("val", val)):
        for number in range(count):
            name = f"{role}{number}.bmp"
            (folder / name).write_bytes(bitmap(side, draw))
            lines.append({"path": name, "label": number % 2, "role": role, "method": "made" if number % 2 else "", "video": None})
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def check(program, name, steps, threads):
    network, side, batch, crops, epochs, more = CASES[name]
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        make_crops(folder, side, crops, 16)
        config = {
            "out": str(folder / "run"), "network": network, "crop": {"name": "square1.3-inside", "stored_px": side},
            "data": {"manifest": str(folder / "manifest.jsonl")}, "augment": {"flip": 0.5}, "batch": batch, "eval_batch": batch, "threads": threads,
            "schedule": {"rate": 0.0001, "rate_unit": "absolute", "epochs": epochs, "warmup_epochs": 0}, **more,
        }
        path = folder / "config.json"
        path.write_text(json.dumps(config))
        plan = json.loads(subprocess.run([program, "plan", path, "--json", "--steps", str(steps)], check=True, capture_output=True, text=True).stdout)
        subprocess.run([program, "run", path], check=True, capture_output=True)
        lines = [json.loads(line) for line in (folder / "run" / "metrics.jsonl").read_text().splitlines()]
    later = lines[1:] or lines
    seconds = sum(line["train_seconds"] + line["val_seconds"] for line in later) / len(later)
    memory = lines[-1]["peak_memory_mib"]
    planned_memory, planned_seconds = plan["memory_mib"]["peak"], plan["seconds"]["epoch"]
    good = all(0.8 <= ratio <= 1.25 for ratio in (planned_memory / memory, planned_seconds / seconds))
    print(f"{name:<22} memory {planned_memory:7.0f} planned {memory:7.0f} MiB taken {planned_memory / memory:5.2f}   "
          f"epoch {planned_seconds:7.2f} planned {seconds:7.2f} s taken {planned_seconds / seconds:5.2f}   "
          f"{batch * lines[-1]['steps'] / (seconds - later[-1]['val_seconds']):6.1f} crops/s{'' if good else '   OFF BY MORE THAN 20 %'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dfa_train", type=pathlib.Path)
    parser.add_argument("--only", action="append", choices=CASES, help="may be given again")
    parser.add_argument("--steps", type=int, default=8, help="that the plan times")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 = all")
    args = parser.parse_args()
    good = [check(args.dfa_train.resolve(), name, args.steps, args.threads) for name in args.only or CASES]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
