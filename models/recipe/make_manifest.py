#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the manifest (version 1, JSON lines) of a folder of face crops that are used whole.

    make_manifest.py FACES_DIR > faces.jsonl
    make_manifest.py FACES_DIR --sets ffhq_real:0 stylegan1_fake:1 sd21_fake:1 web_real:- --out faces.jsonl

FACES_DIR holds one folder per set. The role of a picture follows from its bytes alone, so that it never changes when
pictures are added, and two equal pictures never fall into different roles:
    h = (first 8 hex digits of SHA-256 of the file) mod 100;  h < 65 train,  65 <= h < 75 val,  else test.
Equal pictures under different labels are an error. Needs the standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys

DEFAULT_SETS = ("ffhq_real:0", "stylegan1_fake:1", "sd21_fake:1")
SUFFIXES = (".jpg", ".jpeg", ".png")
TRAIN_BELOW, VAL_BELOW = 65, 75


def role_of(sha256: str) -> str:
    h = int(sha256[:8], 16) % 100
    return "train" if h < TRAIN_BELOW else "val" if h < VAL_BELOW else "test"


def parse_set(text: str) -> tuple[str, int | None]:
    name, colon, label = text.rpartition(":")
    if not colon or not name or label not in ("0", "1", "-"):
        raise argparse.ArgumentTypeError(f"{text!r}: expected FOLDER:0 (real), FOLDER:1 (fake) or FOLDER:- (no label)")
    return name, None if label == "-" else int(label)


def rows_of(root: str, sets: list[tuple[str, int | None]]) -> list[dict]:
    rows = []
    seen: dict[str, dict] = {}
    for name, label in sets:
        folder = os.path.join(root, name)
        files = sorted(f for f in os.listdir(folder) if f.lower().endswith(SUFFIXES) and not f.startswith("."))
        if not files:
            raise ValueError(f"{folder}: no pictures ({', '.join(SUFFIXES)})")
        for file in files:
            with open(os.path.join(folder, file), "rb") as f:
                digest = hashlib.sha256(f.read()).hexdigest()
            row = {
                "path": f"{name}/{file}",
                "label": label,
                "role": role_of(digest),
                "set": name,
                "method": name.removesuffix("_fake") if label == 1 else None,
                "video": None,
                "crop_sha256": digest,
            }
            twin = seen.setdefault(digest, row)
            if twin["label"] != label:
                raise ValueError(f"{row['path']} and {twin['path']} are the same picture under different labels")
            rows.append(row)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("faces_dir")
    parser.add_argument("--sets", nargs="+", type=parse_set, metavar="FOLDER:LABEL", default=[parse_set(s) for s in DEFAULT_SETS])
    parser.add_argument("--stored-px", type=int, default=192)
    parser.add_argument("--root", help="written into the header instead of FACES_DIR's absolute path")
    parser.add_argument("--out", help="default: standard output")
    args = parser.parse_args()
    try:
        rows = rows_of(args.faces_dir, args.sets)
    except (OSError, ValueError) as error:
        print(f"make_manifest.py: {error}", file=sys.stderr)
        return 1
    header = {
        "dfa_manifest": 1,
        "crop": {"recipe": "square1.3-inside", "stored_px": args.stored_px},
        "root": args.root if args.root is not None else os.path.abspath(args.faces_dir),
    }
    text = "".join(json.dumps(r, separators=(",", ":"), ensure_ascii=False) + "\n" for r in [header, *rows])
    if args.out:
        # Written beside and renamed: a run cut short leaves no half manifest.
        with open(args.out + ".part", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(args.out + ".part", args.out)
    else:
        sys.stdout.write(text)
    counts: dict[tuple[str, str], int] = {}
    for r in rows:
        counts[r["set"], r["role"]] = counts.get((r["set"], r["role"]), 0) + 1
    for name, _ in args.sets:
        print(name, *(f"{role} {counts.get((name, role), 0)}" for role in ("train", "val", "test")), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
