#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what the peers of compare.py run: our network with weights by the hash rule, as a model file, as ONNX, and in their int8 forms.

    bench/peers/prepare_peers.py --dfa build/release/bin/dfa --work DIR --make model,onnx,onnxruntime-int8-dynamic,openvino-int8

Runs in the environment of requirements.txt. What lies in DIR already is kept. `calibration` are pictures and a manifest for
`dfa export --to int8 --calibrate`: noise like the images that are timed, so that all calibrate on the same values.
"""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SIDE = 224  # of the network's images
CALIBRATION_IMAGES = 16
# What every library is calibrated on is drawn by the rule of the timed images, under another name.
CALIBRATION_NAME = "calibration"


def calibration_images() -> np.ndarray:
    from eager_model import hash_uniform

    shape = (CALIBRATION_IMAGES, 3, SIDE, SIDE)
    return hash_uniform(CALIBRATION_NAME, math.prod(shape)).reshape(shape)


def dfa_json(program: pathlib.Path, *words: object) -> dict:
    done = subprocess.run([str(program), *map(str, words), "--format", "json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"dfa {' '.join(map(str, words))} ended with status {done.returncode}\n{done.stderr.strip()}")
    return json.loads(done.stdout)


def crop_recipe() -> dict:
    """The embedded model's, with crops as large as the network's input: a detector's file must name one, and scores mean nothing here."""
    from safetensors import safe_open

    with safe_open(REPOSITORY / "models" / "default.dfa", "np") as file:
        return json.loads(file.metadata()["dfa.crop"]) | {"stored_px": SIDE}


def make_model(options: argparse.Namespace, target: pathlib.Path) -> None:
    from eager_model import DeepFakeAdapter, Config, fill_by_hash
    from safetensors.torch import save_file

    config = dfa_json(options.dfa, "bench", "--config", "vit-b16", "--batch", 1, "--warmup", 0, "--repeats", 1)["network"]["config"]
    model = DeepFakeAdapter(Config())
    fill_by_hash(model)
    metadata = {
        "dfa.format": "1",
        "dfa.kind": "detector",
        "dfa.name": "hash weights, for timing",
        "dfa.config": json.dumps(config),
        "dfa.license": "made by a rule; free of rights",
        "dfa.crop": json.dumps(crop_recipe()),
    }
    save_file(dict(model.state_dict()), target, metadata)


def make_onnx(options: argparse.Namespace, target: pathlib.Path) -> None:
    dfa_json(options.dfa, "export", options.work / "model.dfa", "--to", "onnx", "--out", target)


def make_folded(options: argparse.Namespace, target: pathlib.Path) -> None:
    """What ONNX Runtime asks for before its quantisers: they see a product's weights only where these are constants, not transposed ones."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(options.work / "model.onnx", target, skip_symbolic_shape=True)


def make_ort_dynamic(options: argparse.Namespace, target: pathlib.Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(options.work / "folded.onnx", target, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"])


class OneByOne:
    """Calibration images as ONNX Runtime's calibrator asks for them."""

    def __init__(self, images: np.ndarray):
        self.batches = iter(np.split(images, len(images)))

    def get_next(self) -> dict | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch}


def make_ort_static(options: argparse.Namespace, target: pathlib.Path) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(OneByOne, CalibrationDataReader):
        pass

    quantize_static(
        options.work / "folded.onnx",
        target,
        Reader(calibration_images()),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gemm", "Conv"],
    )


def make_openvino_int8(options: argparse.Namespace, target: pathlib.Path) -> None:
    import nncf
    import openvino

    images = calibration_images()
    model = openvino.Core().read_model(options.work / "folded.onnx")
    data = nncf.Dataset(np.split(images, len(images)), lambda batch: {"images": batch})
    quantized = nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER, preset=nncf.QuantizationPreset.MIXED, subset_size=len(images))
    openvino.save_model(quantized, target, compress_to_fp16=False)


def write_png(path: pathlib.Path, picture: np.ndarray) -> None:
    """picture: (height, width, 3) of 8 bits."""
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in parts:
        data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(data)


def make_calibration(options: argparse.Namespace, target: pathlib.Path) -> None:
    """The calibration images in 8 bits and their manifest, for our own int8."""
    folder = options.work / "calibration"
    folder.mkdir(exist_ok=True)
    lines = [{"dfa_manifest": 1, "crop": {"recipe": crop_recipe()["name"], "stored_px": SIDE}, "root": folder.name}]
    for number, image in enumerate(calibration_images()):
        picture = np.clip(np.rint((image.transpose(1, 2, 0) + 1) * 127.5), 0, 255).astype(np.uint8)
        write_png(folder / f"{number:02d}.png", picture)
        lines.append({"path": f"{number:02d}.png", "label": number % 2, "role": "calibration"})
    target.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def make_whole(make: Callable, options: argparse.Namespace, target: pathlib.Path) -> None:
    """Beside its place first: a run that was stopped leaves nothing that looks ready."""
    beside = target.with_name("making_" + target.name)
    make(options, beside)
    if target.suffix == ".xml":
        beside.with_suffix(".bin").rename(target.with_suffix(".bin"))
    beside.rename(target)


MAKERS = {
    "model": ("model.dfa", make_model),
    "onnx": ("model.onnx", make_onnx),
    "calibration": ("calibration.jsonl", make_calibration),
    "folded": ("folded.onnx", make_folded),
    "onnxruntime-int8-dynamic": ("ort_int8_dynamic.onnx", make_ort_dynamic),
    "onnxruntime-int8-static": ("ort_int8_static.onnx", make_ort_static),
    "openvino-int8": ("openvino_int8.xml", make_openvino_int8),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dfa", required=True, type=pathlib.Path)
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder of what is made")
    parser.add_argument("--make", required=True, help=f"which, separated by commas: {', '.join(MAKERS)}")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for name in options.make.split(","):
        file, make = MAKERS[name]
        if not (options.work / file).exists():
            make_whole(make, options, options.work / file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
