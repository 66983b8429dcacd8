#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes the evaluation figures out of a golden file of the authors' model into the JSON that the unit tests read.

    extract_tiny.py ORACLE/tiny > tiny.json     # the folder with weights.safetensors and golden.safetensors

Weights and images are not copied: both follow from the hash rule of the method, and the SHA-256 of each, over the bytes
of the tensors in name order, is recorded, so that a test can prove that it runs on the same ones.
"""

import hashlib
import json
import struct
import sys


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    begin = 8 + size
    tensors = {
        name: (entry["dtype"], entry["shape"], data[begin + entry["data_offsets"][0] : begin + entry["data_offsets"][1]])
        for name, entry in header.items()
    }
    return metadata, tensors


def floats(tensor):
    dtype, _, data = tensor
    assert dtype == "F32", dtype
    # 9 digits give every float32 back exactly.
    return [float(f"{value:.9g}") for value in struct.unpack(f"<{len(data) // 4}f", data)]


def main():
    folder = sys.argv[1]
    metadata, golden = read_safetensors(f"{folder}/golden.safetensors")
    _, weights = read_safetensors(f"{folder}/weights.safetensors")
    print(
        json.dumps(
            {
                "source": "the authors' model, float32, evaluation mode, weights and images by the hash rule",
                "config": {name: json.loads(value) for name, value in metadata.items()},
                "weights_sha256": hashlib.sha256(b"".join(weights[name][2] for name in sorted(weights))).hexdigest(),
                "images_sha256": hashlib.sha256(golden["images"][2]).hexdigest(),
                "eval.logits": floats(golden["eval.logits"]),
                "eval.feature": floats(golden["eval.feature"]),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
