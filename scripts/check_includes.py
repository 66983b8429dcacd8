#!/usr/bin/env python3
"""Holds the direction of includes: a room may include only rooms below it, and third-party headers only where they live.

Levels are those of docs/architecture.md. Within a level the order is left to right, left lower; rooms in one tuple do not
see each other.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Lowest first. An entry may include every entry before it, and itself.
ORDER = [
    ("base",), ("tensorfile",), ("nn", "media"), ("geometry",), ("face",), ("preprocess",), ("perturb",), ("augment",), ("synthesis",),
    ("dataset",),
    ("model",), ("quant",), ("exchange",), ("score",), ("pipeline",), ("doctor",), ("prepare",), ("eval",), ("evidence",), ("report",),
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
# Apps see every room of src/; train sees no app, and the apps see only themselves and train where said.
APPS = {"cli": {"cli"}, "train": {"train"}, "cli_train": {"cli_train", "train", "cli"}, "server": {"server"}}

# header pattern -> rooms that may include it
OWNERS = [
    (r"libav|libsw", {"media"}),
    (r"(jpeglib|png|tiffio|webp/.*|turbojpeg)\.h|^webp/", {"media"}),
    (r"^opencv2/", {"preprocess", "face", "perturb", "augment", "synthesis"}),
    (r"^(oneapi/|dnnl)", {"nn"}),
    (r"^hwy/", {"nn", "train"}),
    (r"^dlib/", {"face"}),
    (r"^(torch|ATen|c10)/", {"train", "cli_train"}),
    (r"^openssl/", {"base"}),
    (r"^spdlog/", {"base"}),
    (r"^CLI/", {"cli", "cli_train"}),
]
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def room_of(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[0]


def may_include(room: str, target: str) -> bool:
    if room in APPS:
        return target in LEVEL or target in APPS[room]
    if target not in LEVEL:
        return False
    return target == room or LEVEL[target] < LEVEL[room]


def faults_of(path: pathlib.Path):
    room = room_of(path)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        where = f"{path.relative_to(ROOT)}:{number}"
        if quote == '"':
            target = header.split("/")[0]
            if "/" not in header:
                continue  # beside the file, or generated
            if target not in LEVEL and target not in APPS:
                yield f"{where}: \"{header}\" names no room"
            elif not may_include(room, target):
                yield f"{where}: {room} may not include {target} (\"{header}\"): includes point down"
        for pattern, owners in OWNERS:
            if re.search(pattern, header) and room not in owners:
                yield f"{where}: <{header}> belongs in {', '.join(sorted(owners))}"


def main() -> int:
    folders = [ROOT / "src", ROOT / "train", ROOT / "cli", ROOT / "cli_train", ROOT / "server"]
    files = [f for folder in folders if folder.is_dir() for f in sorted(folder.rglob("*.[ch]pp"))]
    if not files:
        print("check_includes: no files found")
        return 1
    unknown = {room_of(f) for f in files} - LEVEL.keys() - APPS.keys()
    faults = [f"src/{room}: a room that is in no level of scripts/check_includes.py" for room in sorted(unknown)]
    for file in files:
        if room_of(file) not in unknown:
            faults += faults_of(file)
    print("\n".join(faults) if faults else f"check_includes: {len(files)} files, all point down")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
