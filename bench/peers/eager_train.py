# SPDX-License-Identifier: Apache-2.0
"""Times eager f32 PyTorch training steps of the same network that bench/train/train_bench times. Prints one JSON line.

A plain implementation as a researcher would write it: the trunk's parameters need no gradient, SGD with momentum 0.9 and
weight decay 1e-4 over the rest, cross-entropy, train mode.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import statistics
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--attention", choices=("packed", "library"), default="library")
    args = parser.parse_args()

    # Before torch is loaded: OpenMP reads it once.
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    import torch

    from eager_model import Config, DeepFakeAdapter, LibraryCrossAttention, PackedCrossAttention, fill_by_hash, hash_uniform

    torch.set_num_threads(args.threads)
    cfg = Config()
    attention = PackedCrossAttention if args.attention == "packed" else LibraryCrossAttention
    model = DeepFakeAdapter(cfg, attention, False).train()
    fill_by_hash(model)
    trunk = ("cls_token", "pos_embed", "patch_embed.", "norm.")
    for name, parameter in model.named_parameters():
        frozen = name.startswith(trunk) or (name.startswith("blocks.") and ".adaptor." not in name)
        parameter.requires_grad_(not frozen)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1e-4, momentum=0.9, weight_decay=1e-4)
    shape = (args.batch, 3, cfg.image, cfg.image)
    images = torch.from_numpy(hash_uniform("image", math.prod(shape)).reshape(shape))
    labels = torch.arange(args.batch) % 2

    seconds, losses = [], []
    for i in range(args.warmup + args.steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        elapsed = time.perf_counter() - start
        if i >= args.warmup:
            seconds.append(elapsed)
            losses.append(loss.item())
    print(
        json.dumps(
            {
                "program": "pytorch-eager-f32",
                "torch": torch.__version__,
                "attention": args.attention,
                "batch": args.batch,
                "threads": args.threads,
                "trained": sum(p.numel() for p in trained),
                "seconds_per_step": [round(s, 4) for s in seconds],
                "losses": losses,
                "images_per_second_median": args.batch / statistics.median(seconds),
                "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
