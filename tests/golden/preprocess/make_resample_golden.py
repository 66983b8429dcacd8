# SPDX-License-Identifier: Apache-2.0
"""Writes resample.json beside itself: what Pillow makes of generated pictures.

Needs Pillow (`pip install pillow` in a virtual environment). The pictures are not stored: byte (x, y, c) follows picture_byte(),
which tests/unit/preprocess repeats. Small results are stored whole, in hexadecimal; of larger ones the SHA-256.

The two passes are asked for one by one, horizontal first, which is what every Pillow does in one call where width and height change
in the same sense. Newer ones (13.0) go vertical first when the width grows and the height shrinks; older ones (11.1) never do.
"""

import hashlib
import json
import pathlib

import PIL
from PIL import Image

# filter, from, to: shrinking, enlarging, one axis only, both ways at once, from and to a single pixel, factors below and above 2.
CASES = [
    (name, source, target)
    for name in ("bilinear", "bicubic")
    for source, target in [
        ((256, 256), (224, 224)),
        ((256, 256), (112, 112)),
        ((192, 192), (128, 128)),
        ((256, 256), (384, 384)),
        ((640, 480), (224, 224)),
        ((2100, 37), (19, 11)),
        ((31, 17), (13, 29)),
        ((31, 17), (31, 5)),
        ((31, 17), (7, 17)),
        ((31, 17), (31, 17)),
        ((5, 7), (23, 19)),
        ((1, 1), (4, 3)),
        ((29, 31), (1, 1)),
        ((2, 97), (3, 2)),
    ]
] + [
    (name, source, target)
    for name in ("box", "hamming", "lanczos")
    for source, target in [((256, 256), (224, 224)), ((256, 256), (64, 64)), ((300, 200), (336, 224)), ((31, 17), (13, 29)), ((5, 7), (23, 19))]
]
LARGEST_STORED_WHOLE = 1500  # bytes


def picture_byte(x: int, y: int, c: int) -> int:
    """A smooth slope with noise of full height in every second block of 8 x 8."""
    noise = ((x * 2654435761 + y * 2246822519 + c * 3266489917) % 2**32 * 668265263) % 2**32 >> 24
    slope = (3 * x + 5 * y + 70 * c) % 256
    return noise if (x // 8 + y // 8) % 2 else slope


def make_picture(width: int, height: int) -> Image.Image:
    data = bytes(picture_byte(x, y, c) for y in range(height) for x in range(width) for c in range(3))
    return Image.frombytes("RGB", (width, height), data)


def main() -> None:
    rows = []
    for name, source, target in CASES:
        pillow_filter = Image.Resampling[name.upper()]
        narrowed = make_picture(*source).resize((target[0], source[1]), pillow_filter)
        result = narrowed.resize(target, pillow_filter).tobytes()
        row = {"filter": name, "from": source, "to": target, "sha256": hashlib.sha256(result).hexdigest()}
        if len(result) <= LARGEST_STORED_WHOLE:
            row["bytes"] = result.hex()
        rows.append(row)
    record = {"generator": "make_resample_golden.py", "pillow": PIL.__version__, "cases": rows}
    text = json.dumps(record, indent=None, separators=(",", ":")).replace('{"filter"', '\n{"filter"') + "\n"
    pathlib.Path(__file__).with_name("resample.json").write_text(text)


if __name__ == "__main__":
    main()
