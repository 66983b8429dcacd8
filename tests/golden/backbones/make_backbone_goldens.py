#!/usr/bin/env python3
"""Writes every golden of this folder, kinds.json and positions.safetensors. README.md says what they hold.

    python3 make_backbone_goldens.py [--only KIND] [--out FOLDER]     (torch 2.15.0, timm 1.0.31, transformers 4.56.2, safetensors 0.8.0)

Two kinds of file differ from run to run in bytes, never in values: the legacy .pth (memory addresses) and the .npz (the hour).
"""
import argparse
import json
import pathlib
import zlib

import torch

import kinds_clip
import kinds_dino
import kinds_timm
import resampling

KINDS = kinds_timm.KINDS + kinds_clip.KINDS + kinds_dino.KINDS
MAX_TOTAL_BYTES = 2_500_000


def row(made):
    """A kind as a test loops over it."""
    golden = made["golden"]
    return {"name": golden.folder.name, "import": golden.word, "files": made["files"], "golden": f"{golden.folder.name}/golden.safetensors",
            "set": made["set"], "resample": golden.resample, "library": golden.library, "config": golden.config,
            "logits": "small.logits" in golden.tensors, "ignored": made["ignored"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="one kind; kinds.json is then left as it is")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for kind in KINDS:
        if options.only not in (None, kind.__name__):
            continue
        made = kind(options.out / kind.__name__, zlib.crc32(kind.__name__.encode()))
        rows.append(row(made))
        positions = "rotary" if made["changed"] is None else f"{made['changed']:.0%} new"
        print(f"{kind.__name__}: float32 is off by {made['golden'].error:.1e} of the largest value; positions at the second size: {positions}")
    if not options.only:
        resampling.write_golden(options.out / "positions.safetensors", seed=7)
        lines = ",\n".join(json.dumps(row) for row in rows)
        (options.out / "kinds.json").write_text(f"[\n{lines}\n]\n")
        total = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        print(f"{len(rows)} kinds, {total / 1e6:.2f} MB")
        assert total < MAX_TOTAL_BYTES


if __name__ == "__main__":
    main()
