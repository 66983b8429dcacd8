#!/usr/bin/env python3
"""Whether ONNX Runtime and OpenVINO compute what dfa computes, from files that `dfa export --to onnx` wrote.

  check_onnx.py --dfa build/release/bin/dfa [--engine ref,f32] [MODEL.dfa ...]

Without models: one small network of random weights for every field of the network configuration, a trunk alone, and the
embedded default model. Each is exported, checked by onnx.checker, and run by both libraries on two batches of different
size. What a library gave is then compared with the engines by dfa itself, `dfa model verify --golden`; the figures are
|library - engine|. Developers run this; it needs numpy, safetensors, onnx, onnxruntime and openvino from PyPI (written
with 2.4.6, 0.8.0, 1.23.2, 1.32.0 and 2026.4.1). Status 1 when a difference is above 1e-4.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import openvino
from safetensors.numpy import save_file
from safetensors import safe_open

ROOT = pathlib.Path(__file__).resolve().parents[3]
TOLERANCE = 1e-4
BATCHES = (1, 3)

PLAIN = {"arch": "vit", "image": 32, "patch": 8, "dim": 24, "depth": 3, "heads": 2, "mlp": 40, "activation": "gelu",
         "norm_eps": 1e-6, "pre_norm": False, "gba": {"bottleneck": 4},
         "lsa": {"heads": 3, "spm_width": 4, "stages": [[0, 0], [1, 2]]}, "readout": "token0",
         "head": {"kind": "batchnorm_linear", "classes": 2}}
L2 = {"kind": "l2_linear", "classes": 2}
LINEAR = {"kind": "linear", "classes": 3}
DINOV3 = {"registers": 4, "layer_scale": True, "rotary_base": 100.0, "norm_eps": 1e-5}
KINDS = {
    "published": {},
    "no adapters": {"gba": False, "lsa": False, "readout": "cls"},
    "gba alone": {"lsa": False, "readout": "cls"},
    "lsa alone, level-mean": {"gba": False, "readout": "level-mean"},
    "lsa, cls": {"readout": "cls"},
    "lsa, query, own norm": {"readout": "query:4", "readout_norm": "own"},
    "query without lsa": {"lsa": False, "readout": "query:3"},
    "one stage": {"lsa": {"heads": 2, "spm_width": 3, "stages": [[0, 2]]}},
    "odd maps": {"image": 40},
    "l2 head": {"head": L2},
    "linear head, 3 classes, own norm": {"head": LINEAR, "readout_norm": "own"},
    "deit": {"distilled": True},
    "clip": {"pre_norm": True, "patch_bias": False, "activation": "quick-gelu", "norm_eps": 1e-5, "head": L2,
             "gba": False, "lsa": False, "readout": "cls"},
    "clip, adapters, patches of 14": {"pre_norm": True, "patch_bias": False, "activation": "quick-gelu", "image": 56,
                                      "patch": 14, "lsa": {**PLAIN["lsa"], "source": "patch"}},
    "patches of 32 shrunk": {"image": 128, "patch": 32, "lsa": {**PLAIN["lsa"], "source": "patch"}},
    "patches of 14, 224": {"image": 224, "patch": 14, "lsa": {**PLAIN["lsa"], "source": "patch"}},
    "dinov2, registers": {"layer_scale": True, "registers": 4, "patch": 8},
    "dinov2, swiglu": {"layer_scale": True, "gated_mlp": True, "activation": "silu"},
    "dinov3": DINOV3,
    "dinov3, swiglu": {**DINOV3, "gated_mlp": True, "activation": "silu", "readout": "cls"},
    "everything": {**DINOV3, "gated_mlp": True, "activation": "quick-gelu", "distilled": True, "pre_norm": True,
                   "patch_bias": False, "readout": "query:5", "readout_norm": "own", "head": LINEAR},
    "backbone": {"gba": False, "lsa": False, "readout": False, "head": False},
    "backbone, dinov3": {**DINOV3, "gba": False, "lsa": False, "readout": False, "head": False},
}


def trunk_shapes(c):
    d, grid = c["dim"], c["image"] // c["patch"]
    shapes = {"cls_token": (1, 1, d), "patch_embed.proj.weight": (d, 3, c["patch"], c["patch"])}
    if c.get("distilled"):
        shapes["dist_token"] = (1, 1, d)
    if c.get("registers"):
        shapes["reg_token"] = (1, c["registers"], d)
    if "rotary_base" not in c:
        shapes["pos_embed"] = (1, 1 + bool(c.get("distilled")) + grid * grid, d)
    if c.get("patch_bias", True):
        shapes["patch_embed.proj.bias"] = (d,)
    norms = ["norm"] + (["norm_pre"] if c["pre_norm"] else [])
    linears = {}
    for i in range(c["depth"]):
        block = f"blocks.{i}."
        norms += [block + "norm1", block + "norm2"]
        linears |= {block + "attn.qkv": (3 * d, d), block + "attn.proj": (d, d),
                    block + "mlp.fc1": (c["mlp"] * (2 if c.get("gated_mlp") else 1), d),
                    block + "mlp.fc2": (d, c["mlp"])}
        if c.get("layer_scale"):
            shapes |= {block + "ls1.gamma": (d,), block + "ls2.gamma": (d,)}
        if c["gba"]:
            linears |= {block + "adaptor.down_proj": (c["gba"]["bottleneck"], d),
                        block + "adaptor.up_proj": (d, c["gba"]["bottleneck"])}
            shapes[block + "adaptor.scale"] = (1,)
    return shapes, norms, linears


def adapter_shapes(c, shapes, norms, linears):
    d, width = c["dim"], c["lsa"]["spm_width"]
    shapes["level_embed"] = (3, d)
    convs = [("stem.0", "stem.1", 3, 1), ("stem.3", "stem.4", 1, 1), ("stem.6", "stem.7", 1, 1),
             ("conv2.0", "conv2.1", 1, 2), ("conv3.0", "conv3.1", 2, 4), ("conv4.0", "conv4.1", 4, 4)]
    for conv, norm, before, after in convs:
        inputs = 3 if conv == "stem.0" else before * width
        shapes[f"spm.{conv}.weight"] = (after * width, inputs, 3, 3)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"spm.{norm}.{part}"] = (after * width,)
        shapes[f"spm.{norm}.num_batches_tracked"] = None
    for name, inputs in (("fc2", 2), ("fc3", 4), ("fc4", 4)):
        shapes |= {f"spm.{name}.weight": (d, inputs * width, 1, 1), f"spm.{name}.bias": (d,)}
    for i in range(len(c["lsa"]["stages"])):
        for side in ("injector", "extractor"):
            prefix = f"interactions.{i}.{side}."
            norms += [prefix + "query_norm", prefix + "feat_norm"]
            shapes |= {prefix + "self_attn.in_proj_weight": (3 * d, d), prefix + "self_attn.in_proj_bias": (3 * d,)}
            linears[prefix + "self_attn.out_proj"] = (d, d)
        shapes[f"interactions.{i}.injector.gamma"] = (d,)


def shapes_of(c):
    shapes, norms, linears = trunk_shapes(c)
    if c["lsa"]:
        adapter_shapes(c, shapes, norms, linears)
    if c["head"]:
        if c.get("readout_norm") == "own":
            norms.append("readout_norm")
        if c["readout"].startswith("query:"):
            shapes["readout_query.queries"] = (int(c["readout"][6:]), 32)
            linears |= {"readout_query.kv": (64, c["dim"]), "readout_query.out": (c["dim"], 32)}
        if c["head"]["kind"] == "batchnorm_linear":
            shapes |= {"head.0.running_mean": (c["dim"],), "head.0.running_var": (c["dim"],),
                       "head.0.num_batches_tracked": None}
        linears["head.1"] = (c["head"]["classes"], c["dim"])
    for name in norms:
        shapes |= {name + ".weight": (c["dim"],), name + ".bias": (c["dim"],)}
    for name, shape in linears.items():
        shapes |= {name + ".weight": shape, name + ".bias": (shape[0],)}
    return shapes


def random_weights(shapes, random):
    """Values of the size that a trained network has, so that no part of it is lost beside another."""
    weights = {}
    for name, shape in sorted(shapes.items()):
        if shape is None:
            weights[name] = numpy.array(7, numpy.int64)
            continue
        values = random.standard_normal(shape)
        if name.endswith("running_var") or name.endswith("adaptor.scale"):
            values = 0.5 + numpy.abs(values)
        elif ".gamma" in name or (name.endswith("weight") and len(shape) == 1):
            values = 1 + 0.3 * values
        elif len(shape) >= 2 and name.endswith("weight"):
            values /= numpy.sqrt(numpy.prod(shape[1:]))
        else:
            values *= 0.3
        weights[name] = values.astype(numpy.float32)
    return weights


def default_metadata():
    with safe_open(ROOT / "models/default.dfa", "np") as file:
        return file.metadata()


def write_model(path, config, seed):
    detector = bool(config["head"])
    metadata = {"dfa.format": "1", "dfa.kind": "detector" if detector else "backbone", "dfa.name": path.stem,
                "dfa.config": json.dumps(config), "dfa.license": "made for a test"}
    if detector:
        metadata["dfa.crop"] = default_metadata()["dfa.crop"]
    save_file(random_weights(shapes_of(config), numpy.random.default_rng(seed)), path, metadata)


def dfa(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode not in (0, 5) or not done.stdout:
        sys.exit(f"dfa {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def run_onnxruntime(path, images):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 2
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return [dict(zip([o.name for o in session.get_outputs()], session.run(None, {"images": batch})))
            for batch in images]


def run_openvino(path, images):
    # On the CPU it would compute in bf16 where the processor can.
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [name for port in compiled.outputs for name in port.get_names()]
    results = []
    for batch in images:
        outputs = compiled({"images": batch})
        results.append({name: outputs[name].copy() for name in names})
    return results


LIBRARIES = {"onnxruntime": run_onnxruntime, "openvino": run_openvino}


def compare(program, model, engine, images, outputs, folder):
    """Largest |library - engine| of logits and feature, by engine and group, as dfa finds them."""
    golden = {"images": numpy.concatenate(images)}
    for name in ("logits", "feature"):
        golden["eval." + name] = numpy.concatenate([one[name] for one in outputs])
    save_file(golden, folder / "golden.safetensors")
    report = json.loads(dfa(program, "model", "verify", model, "--golden", folder / "golden.safetensors", "--engine",
                            engine, "--format", "json"))
    for group in report["groups"]:
        if not group["values"] or group.get("problem"):
            sys.exit(f"{model}: nothing was compared: {group}")
    return {(group["engine"], group["group"]): group["largest_absolute"] for group in report["groups"]}


def feature_of_backbone(program, model, folder):
    """A trunk has no logits to verify: it is made a detector whose head reads its class token."""
    with safe_open(model, "np") as file:
        metadata, weights = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
    config = json.loads(metadata["dfa.config"]) | {"readout": "cls", "head": {"kind": "linear", "classes": 2}}
    random = numpy.random.default_rng(1)
    weights["head.1.weight"] = random.standard_normal((2, config["dim"])).astype(numpy.float32)
    weights["head.1.bias"] = numpy.zeros(2, numpy.float32)
    detector = folder / "with_head.dfa"
    save_file(weights, detector, metadata | {"dfa.kind": "detector", "dfa.config": json.dumps(config),
                                             "dfa.crop": default_metadata()["dfa.crop"]})
    return detector, weights["head.1.weight"]


def check(program, label, model, engine, folder):
    exported = folder / "model.onnx"
    dfa(program, "export", model, "--to", "onnx", "--out", exported)
    onnx.checker.check_model(str(exported), full_check=True)
    graph = onnx.load(exported, load_external_data=False)
    side = graph.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    random = numpy.random.default_rng(11)
    images = [random.standard_normal((n, 3, side, side)).astype(numpy.float32) for n in BATCHES]
    backbone = {p.key: p.value for p in graph.metadata_props}["dfa.kind"] == "backbone"
    judge, head = feature_of_backbone(program, model, folder) if backbone else (model, None)
    worst = 0.0
    for library, run in LIBRARIES.items():
        outputs = run(str(exported), images)
        for one in outputs:
            if backbone:
                one["logits"] = one["feature"] @ head.T
                continue
            exponents = numpy.exp(one["logits"].astype(numpy.float64))
            worst = max(worst, numpy.abs(one["probs"] - exponents / exponents.sum(1, keepdims=True)).max())
        found = compare(program, judge, engine, images, outputs, folder)
        worst = max(worst, *found.values())
        figures = ", ".join(f"{name} {group.removeprefix('eval.')} {value:.1e}" for (name, group), value in found.items())
        print(f"{label}: {library}: {figures}", flush=True)
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dfa", required=True)
    parser.add_argument("--engine", default="ref,f32")
    parser.add_argument("--only", default="", help="kinds whose label contains this")
    parser.add_argument("models", nargs="*")
    arguments = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        cases = {pathlib.Path(model).name: model for model in arguments.models}
        if not cases:
            for seed, (label, change) in enumerate(KINDS.items()):
                cases[label] = folder / f"kind{seed}.dfa"
                write_model(cases[label], PLAIN | change, seed)
            cases["default model"] = ROOT / "models/default.dfa"
        for label, model in cases.items():
            if arguments.only in label:
                worst = max(worst, check(arguments.dfa, label, model, arguments.engine, folder))
    print(f"largest difference {worst:.1e}, allowed {TOLERANCE:.0e}")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
