# SPDX-License-Identifier: Apache-2.0
"""One peer of compare.py: builds its network once, then times passes as often as it is asked.

    echo 5 1 | worker.py --peer openvino-bf16 --work DIR --batch 8 --threads 2

First line on stdout: what was built and the logits it gives, as JSON. Then, for each line "PASSES WARMUP" on stdin, the seconds a
batch of PASSES passes as a JSON list, after WARMUP passes without a clock. DIR holds what prepare_peers.py made.
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import os
import pathlib
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

# Of OpenVINO's layers, those whose kernel is worth telling.
PRODUCTS = ("FullyConnected", "MatMul", "Convolution", "ScaledDotProductAttention", "MHA")
# A pass: images stay where they are, logits come back as an array.
Pass = Callable[[], np.ndarray]


def hash_images(batch: int, side: int) -> np.ndarray:
    from eager_model import hash_uniform

    shape = (batch, 3, side, side)
    return hash_uniform("image", math.prod(shape)).reshape(shape)


def pytorch(options: argparse.Namespace, narrow: str, way: str) -> tuple[Pass, dict]:
    import torch
    from eager_model import Config, DeepFakeAdapter
    from safetensors.torch import load_file

    torch.set_num_threads(options.threads)
    model = DeepFakeAdapter(Config()).eval()
    model.load_state_dict(load_file(options.work / "model.dfa"), strict=True)
    dtype = torch.bfloat16 if narrow == "bf16" else torch.float32
    model = model.to(dtype).to(memory_format=torch.channels_last)
    images = torch.from_numpy(hash_images(options.batch, 224)).to(dtype).contiguous(memory_format=torch.channels_last)
    facts = {"library": f"torch {torch.__version__}"}
    call = model
    if way == "compiled":
        import torch._inductor.config as inductor

        # Weights as constants: packed once, as the other libraries do.
        inductor.freezing = True
        if os.environ.get("ONEDNN_MAX_CPU_ISA", "").startswith("AVX2"):
            inductor.cpp.simdlen = 256
        call = torch.compile(model)
        facts["options"] = "inductor, frozen weights"

    def run() -> np.ndarray:
        with torch.inference_mode() if way == "eager" else torch.no_grad():
            return call(images).float().numpy()

    return run, facts


def onnxruntime(options: argparse.Namespace, file: str) -> tuple[Pass, dict]:
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    settings.add_free_dimension_override_by_name("N", options.batch)
    settings.log_severity_level = 3
    session = ort.InferenceSession(options.work / file, settings, providers=["CPUExecutionProvider"])
    feed = {"images": hash_images(options.batch, 224)}
    return lambda: session.run(["logits"], feed)[0], {"library": f"onnxruntime {ort.__version__}"}


def openvino(options: argparse.Namespace, file: str, precision: str) -> tuple[Pass, dict]:
    import openvino as ov

    core = ov.Core()
    model = core.read_model(options.work / file)
    model.reshape({"images": [options.batch, 3, 224, 224]})
    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": options.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(model, "CPU", hints)
    request = compiled.create_infer_request()
    request.set_tensor("images", ov.Tensor(hash_images(options.batch, 224)))
    port = compiled.output("logits")

    def run() -> np.ndarray:
        request.infer()
        return request.get_tensor(port).data

    return run, {"library": f"openvino {ov.__version__}", "ran_in": products_of(compiled)}


def openvino_side_by_side(options: argparse.Namespace, file: str, precision: str) -> tuple[Pass, dict]:
    """A stream for each thread, each with a batch of its own: the way that OpenVINO recommends for throughput."""
    import openvino as ov

    core = ov.Core()
    model = core.read_model(options.work / file)
    model.reshape({"images": [options.batch, 3, 224, 224]})
    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": options.threads, "NUM_STREAMS": options.threads, "PERFORMANCE_HINT": "THROUGHPUT"}
    compiled = core.compile_model(model, "CPU", hints)
    requests = [compiled.create_infer_request() for _ in range(options.threads)]
    for request in requests:
        request.set_tensor("images", ov.Tensor(hash_images(options.batch, 224)))
    port = compiled.output("logits")

    def run() -> np.ndarray:
        for request in requests:
            request.start_async()
        for request in requests:
            request.wait()
        return requests[0].get_tensor(port).data

    return run, {"library": f"openvino {ov.__version__}", "ran_in": products_of(compiled), "batches_a_pass": options.threads}


def products_of(compiled: Any) -> dict:
    """Which kernels the products and convolutions got, by number: a hint is a wish."""
    kernels: collections.Counter = collections.Counter()
    for node in compiled.get_runtime_model().get_ops():
        facts = {name: str(getattr(value, "value", value)) for name, value in node.get_rt_info().items()}
        if facts.get("layerType") in PRODUCTS:
            kernels[facts.get("primitiveType", "unknown")] += 1
    return dict(kernels)


PEERS: dict[str, Callable[[argparse.Namespace], tuple[Pass, dict]]] = {
    "pytorch-f32": lambda o: pytorch(o, "f32", "eager"),
    "pytorch-bf16": lambda o: pytorch(o, "bf16", "eager"),
    "pytorch-compiled-bf16": lambda o: pytorch(o, "bf16", "compiled"),
    "onnxruntime-f32": lambda o: onnxruntime(o, "model.onnx"),
    "onnxruntime-int8-dynamic": lambda o: onnxruntime(o, "ort_int8_dynamic.onnx"),
    "onnxruntime-int8-static": lambda o: onnxruntime(o, "ort_int8_static.onnx"),
    "openvino-f32": lambda o: openvino(o, "model.onnx", "f32"),
    "openvino-bf16": lambda o: openvino(o, "model.onnx", "bf16"),
    "openvino-int8": lambda o: openvino(o, "openvino_int8.xml", "f32"),
    "openvino-int8-bf16": lambda o: openvino(o, "openvino_int8.xml", "bf16"),
    "openvino-bf16-side-by-side": lambda o: openvino_side_by_side(o, "model.onnx", "bf16"),
    "openvino-int8-bf16-side-by-side": lambda o: openvino_side_by_side(o, "openvino_int8.xml", "bf16"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, choices=sorted(PEERS))
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    # Libraries talk on stdout too; the answers go where nobody else writes.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    begin = time.perf_counter()
    run, facts = PEERS[options.peer](options)
    logits = run().copy()
    facts["build_seconds"] = round(time.perf_counter() - begin, 3)
    facts["logits"] = logits.tolist()
    print(json.dumps(facts), file=answers)
    for line in sys.stdin:
        passes, warmup = map(int, line.split())
        for _ in range(warmup):
            run()
        seconds = []
        for _ in range(passes):
            begin = time.perf_counter()
            run()
            seconds.append((time.perf_counter() - begin) / facts.get("batches_a_pass", 1))
        print(json.dumps(seconds), file=answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
