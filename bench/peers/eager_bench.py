# SPDX-License-Identifier: Apache-2.0
"""Times the eager f32 PyTorch forward pass of the same network that `dfa bench` times. Prints one JSON line.

Defaults are the fastest of the combinations that the options offer, measured on the machine of the published figures,
so that the peer is as strong as its own users would make it. Only the kernels that eager PyTorch calls by itself are
used: no compile step, no reduced precision, no work left out (see --skip-unused-rows).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="vit-b16", help="vit-b16, or a JSON object with the flat names of a golden file")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--attention", choices=("packed", "library"), default="packed")
    parser.add_argument("--layout", choices=("contiguous", "channels-last"), default="channels-last")
    parser.add_argument("--skip-unused-rows", action="store_true", help="last extractor at token 0 only: what dfa does, and a user may")
    args = parser.parse_args()

    # Before torch is loaded: OpenMP reads it once.
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    import torch

    from eager_model import Config, DeepFakeAdapter, LibraryCrossAttention, PackedCrossAttention, fill_by_hash, hash_uniform

    torch.set_num_threads(args.threads)
    cfg = Config() if args.config == "vit-b16" else Config.from_dict(json.loads(args.config))
    attention = PackedCrossAttention if args.attention == "packed" else LibraryCrossAttention
    model = DeepFakeAdapter(cfg, attention, args.skip_unused_rows).eval()
    fill_by_hash(model)
    shape = (args.batch, 3, cfg.image, cfg.image)
    images = torch.from_numpy(hash_uniform("image", math.prod(shape)).reshape(shape))
    if args.layout == "channels-last":
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)

    seconds = []
    with torch.no_grad():
        for i in range(args.warmup + args.repeats):
            start = time.perf_counter()
            logits = model(images)
            elapsed = time.perf_counter() - start
            if i >= args.warmup:
                seconds.append(elapsed)
    print(
        json.dumps(
            {
                "peer": "pytorch-eager-f32",
                "torch": torch.__version__,
                "config": args.config,
                "batch": args.batch,
                "threads": args.threads,
                "attention": args.attention,
                "layout": args.layout,
                "skip_unused_rows": args.skip_unused_rows,
                "seconds_per_batch": [round(s, 5) for s in seconds],
                "images_per_second_median": round(args.batch / statistics.median(seconds), 3),
                "logits_row0": [round(v, 6) for v in logits[0].tolist()],
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
