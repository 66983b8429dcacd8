#!/usr/bin/env python3
"""Whether what `dfa export` writes is what timm and transformers read: for developers who have both libraries.

    python3 check_exports.py build/release/bin/dfa [--kind KIND ...] [--to timm|hf]

Each kind of kinds.json goes through `dfa import`, at its own picture size and at the golden's second one, and `dfa export --to timm` and `--to hf`.
The result is loaded strictly into the library's own network of that size, which computes the features of the golden's pictures in double
precision: at the second size our resampling of positions is held to the source library's. A line a kind, target and size: ok with the relative
difference, "refused" with the program's words where it will not export (no failure: timm's plain ViT has no rotary positions), or FAILED.
Status 1 if any failed.
"""
import argparse
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

import safetensors.torch
import torch
import transformers

import kinds_clip
import kinds_timm
from timm.models.deit import VisionTransformerDistilled

HERE = pathlib.Path(__file__).resolve().parent
# The weights travel unchanged; what is left is the rounding of golden and resampled positions to f32.
TOLERANCE = 1e-5
SIZES = {"small": "image", "large": "large"}
TARGETS = ("timm", "hf")
FOLDER_CLASSES = {"CLIPModel": transformers.CLIPModel, "CLIPVisionModel": transformers.CLIPVisionModel, "Dinov2Model": transformers.Dinov2Model,
                  "Dinov2WithRegistersModel": transformers.Dinov2WithRegistersModel, "DINOv3ViTModel": transformers.DINOv3ViTModel}


# The status by which the program says that a model does not fit the form that was asked for; docs/cli.md, "Exit status".
STATUS_INCOMPATIBLE = 5


class Refused(Exception):
    """The program said that this model has no such form."""


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    message = f"{words[1]}: status {done.returncode}: {lines[0] if lines else 'no message'}"
    raise Refused(message) if done.returncode == STATUS_INCOMPATIBLE else AssertionError(message)


def source_of(kind, file):
    """Hugging Face's are named by their folder."""
    folder = HERE / kind["name"]
    return folder if "config.json" in kind["files"] else folder / file


def tensors_of(exported):
    path = exported / "model.safetensors" if exported.is_dir() else exported
    return safetensors.torch.load_file(path)


def timm_feature(exported, config, images):
    """timm's network of these sizes. An ignored name or one too few is an error."""
    kind = VisionTransformerDistilled if config["distilled"] else kinds_timm.VisionTransformer
    fields = {"pre_norm": True} if config["pre_norm"] else {}
    if config["activation"] == "quick-gelu":
        fields["act_layer"] = kinds_clip.QuickGelu
    model = kinds_timm.build(config, kind, num_classes=0, **fields)
    model.load_state_dict(tensors_of(exported), strict=True)
    return model.double().forward_features(images)[:, 0]


def hf_feature(exported, config, images):
    """The class that the exported folder names; transformers reports keys that it did not use or had to make up."""
    name = json.loads((exported / "config.json").read_text())["architectures"][0]
    model, info = FOLDER_CLASSES[name].from_pretrained(exported, output_loading_info=True)
    for key, names in info.items():
        assert not names, f"{key}: {sorted(names)[:3]}"
    model = model.double().eval()
    if name == "CLIPModel":
        return model.vision_model(pixel_values=images).pooler_output
    return model(pixel_values=images).pooler_output


def check(dfa, kind, file, target, size, folder):
    model, exported = folder / "model.dfa", folder / ("exported" if target == "hf" else "exported.safetensors")
    config = kind["config"] | {"image": kind["config"][SIZES[size]]}
    fields = kind["set"] | ({"image": config["image"]} if size == "large" else {})
    settings = [word for key, value in fields.items() for word in ("--set", f"{key}={value}")]
    try:
        run(dfa, "import", kind["import"], source_of(kind, file), "--out", model, *settings)
    except Refused as error:
        raise AssertionError(error) from error
    run(dfa, "export", model, "--to", target, "--out", exported)
    golden = safetensors.torch.load_file(HERE / kind["golden"])
    with torch.no_grad():
        feature = (timm_feature if target == "timm" else hf_feature)(exported, config, golden[f"{size}.images"].double())
    wanted = golden[f"{size}.feature"].double()
    difference = float((feature - wanted).norm() / wanted.norm())
    assert difference < TOLERANCE, f"the feature is off by {difference:.1e}"
    return difference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dfa", type=pathlib.Path)
    parser.add_argument("--kind", action="append")
    parser.add_argument("--to", choices=TARGETS, action="append")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    failed = 0
    for kind in json.loads((HERE / "kinds.json").read_text()):
        if options.kind and kind["name"] not in options.kind:
            continue
        files = [kind["files"][0]] if "config.json" in kind["files"] else kind["files"]
        for file, target, size in itertools.product(files, options.to or TARGETS, SIZES):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    verdict = f"ok, off by {check(options.dfa, kind, file, target, size, pathlib.Path(folder)):.1e}"
                except Refused as error:
                    verdict = f"refused: {error}"
                except Exception as error:  # noqa: BLE001 - whatever the libraries throw, the other kinds are checked too
                    words = str(error).splitlines() or [""]
                    verdict, failed = f"FAILED: {type(error).__name__}: {words[0][:200]}", failed + 1
            print(f"{kind['name']} {file} --to {target}, {size}: {verdict}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
