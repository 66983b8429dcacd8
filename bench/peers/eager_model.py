# SPDX-License-Identifier: Apache-2.0
"""DeepFake-Adapter as a plain eager PyTorch module: the peer that `dfa` is measured against.

Written from the description of the method (R. Shao et al., arXiv 2306.00863). Parameter names are those of the
published checkpoints, so `load_state_dict(..., strict=True)` works on any file `dfa` can read.

Check against golden numbers:
    python eager_model.py --golden DIR      # DIR holds weights.safetensors and golden.safetensors
Weights by the hash rule, for any size, without files:
    model = DeepFakeAdapter(Config()); fill_by_hash(model)
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes of one network; the defaults are the paper's (ViT-B/16 at 224)."""

    image: int = 224
    patch: int = 16
    dim: int = 768
    depth: int = 12
    heads: int = 12
    lsa_heads: int = 6
    bottleneck: int = 64
    # Inclusive block ranges, one per interaction.
    stages: tuple[tuple[int, int], ...] = ((0, 3), (4, 7), (8, 11))
    # token0: first spatial token (the paper's). cls: class token. level-mean: mean over each level, then over levels.
    readout: str = "token0"

    @staticmethod
    def from_dict(values: dict) -> Config:
        """Takes the flat names of a golden file; unknown names (batch, mlp_ratio, ...) are left aside."""
        known = {f.name for f in dataclasses.fields(Config)}
        picked = {k: v for k, v in values.items() if k in known}
        if "stages" in picked:
            picked["stages"] = tuple((int(a), int(b)) for a, b in picked["stages"])
        return Config(**picked)


class Adaptor(nn.Module):
    """GBA: bottleneck beside the MLP; reads the block's residual stream, without a norm of its own."""

    def __init__(self, dim: int, bottleneck: int):
        super().__init__()
        self.down_proj = nn.Linear(dim, bottleneck)
        self.up_proj = nn.Linear(bottleneck, dim)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return self.scale * self.up_proj(F.relu(self.down_proj(h)))


class SelfAttention(nn.Module):
    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        self.norm1 = nn.LayerNorm(cfg.dim, eps=1e-6)
        self.attn = SelfAttention(cfg.dim, cfg.heads)
        self.norm2 = nn.LayerNorm(cfg.dim, eps=1e-6)
        self.mlp = Mlp(cfg.dim, 4 * cfg.dim)
        self.adaptor = Adaptor(cfg.dim, cfg.bottleneck)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x + self.attn(self.norm1(x))
        return h + self.mlp(self.norm2(h)) + self.adaptor(h)


class PackedCrossAttention(nn.Module):
    """Keys and values from one tensor. Holds the tensors of nn.MultiheadAttention under the same names, and calls
    the fused attention kernel directly: faster in eager f32 than nn.MultiheadAttention, which returns the averaged
    attention map or moves the batch axis."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, query: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        b, n, d = query.shape
        m, h = source.shape[1], self.heads
        q = F.linear(query, self.in_proj_weight[:d], self.in_proj_bias[:d]).view(b, n, h, d // h).transpose(1, 2)
        kv = F.linear(source, self.in_proj_weight[d:], self.in_proj_bias[d:])
        k, v = kv.view(b, m, 2, h, d // h).permute(2, 0, 3, 1, 4).unbind(0)
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class LibraryCrossAttention(nn.MultiheadAttention):
    """The same function by nn.MultiheadAttention, for the comparison of both in eager_bench.py."""

    def __init__(self, dim: int, heads: int):
        super().__init__(dim, heads, batch_first=True)

    def forward(self, query: torch.Tensor, source: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return super().forward(query, source, source, need_weights=False)[0]


class CrossModule(nn.Module):
    """Injector (with gate) or extractor (without)."""

    def __init__(self, cfg: Config, gated: bool, attention: type[nn.Module]):
        super().__init__()
        self.query_norm = nn.LayerNorm(cfg.dim, eps=1e-6)
        self.feat_norm = nn.LayerNorm(cfg.dim, eps=1e-6)
        self.self_attn = attention(cfg.dim, cfg.lsa_heads)
        self.register_parameter("gamma", nn.Parameter(torch.zeros(cfg.dim)) if gated else None)

    def forward(self, query: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        out = self.self_attn(self.query_norm(query), self.feat_norm(source))
        return query + (out if self.gamma is None else self.gamma * out)


class Interaction(nn.Module):
    def __init__(self, cfg: Config, attention: type[nn.Module]):
        super().__init__()
        self.injector = CrossModule(cfg, True, attention)
        self.extractor = CrossModule(cfg, False, attention)


def conv_bn_relu(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


class SpatialPrior(nn.Module):
    """SPM: three maps at 1/8, 1/16 and 1/32, each projected to the trunk's width."""

    def __init__(self, dim: int):
        super().__init__()
        self.stem = nn.Sequential(
            *conv_bn_relu(3, 64, 2), *conv_bn_relu(64, 64, 1), *conv_bn_relu(64, 64, 1), nn.MaxPool2d(3, 2, 1)
        )
        self.conv2 = nn.Sequential(*conv_bn_relu(64, 128, 2))
        self.conv3 = nn.Sequential(*conv_bn_relu(128, 256, 2))
        self.conv4 = nn.Sequential(*conv_bn_relu(256, 256, 2))
        self.fc2 = nn.Conv2d(128, dim, 1)
        self.fc3 = nn.Conv2d(256, dim, 1)
        self.fc4 = nn.Conv2d(256, dim, 1)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        m2 = self.conv2(self.stem(images))
        m3 = self.conv3(m2)
        m4 = self.conv4(m3)
        return [fc(m).flatten(2).transpose(1, 2) for fc, m in ((self.fc2, m2), (self.fc3, m3), (self.fc4, m4))]


class PatchEmbed(nn.Module):
    def __init__(self, dim: int, patch: int):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.proj(images).flatten(2).transpose(1, 2)


class DeepFakeAdapter(nn.Module):
    def __init__(self, cfg: Config, attention: type[nn.Module] = PackedCrossAttention, skip_unused_rows: bool = False):
        """`skip_unused_rows`: let the last extractor compute only the row that token0 reads (same result, less work)."""
        super().__init__()
        if cfg.readout not in ("token0", "cls", "level-mean"):
            raise ValueError(f"read-out {cfg.readout!r}: token0, cls and level-mean are known")
        self.cfg = cfg
        self.skip_unused_rows = skip_unused_rows and cfg.readout == "token0"
        self.cls_token = nn.Parameter(torch.zeros(1, 1, cfg.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (cfg.image // cfg.patch) ** 2, cfg.dim))
        self.patch_embed = PatchEmbed(cfg.dim, cfg.patch)
        self.blocks = nn.ModuleList([Block(cfg) for _ in range(cfg.depth)])
        self.norm = nn.LayerNorm(cfg.dim, eps=1e-6)
        self.level_embed = nn.Parameter(torch.zeros(3, cfg.dim))
        self.spm = SpatialPrior(cfg.dim)
        self.interactions = nn.ModuleList([Interaction(cfg, attention) for _ in cfg.stages])
        self.head = nn.Sequential(nn.BatchNorm1d(cfg.dim, eps=1e-6, affine=False), nn.Linear(cfg.dim, 2))
        initialise(self)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed(images)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1) + self.pos_embed
        levels = self.spm(images)
        sizes = [t.shape[1] for t in levels]
        c = torch.cat([t + self.level_embed[i] for i, t in enumerate(levels)], 1)
        for (first, last), step in zip(self.cfg.stages, self.interactions, strict=True):
            x = step.injector(x, c)
            for i in range(first, last + 1):
                x = self.blocks[i](x)
            if self.skip_unused_rows and step is self.interactions[-1]:
                c = c[:, :1]
            c = step.extractor(c, x)
        if self.cfg.readout == "cls":
            return self.norm(x[:, 0])
        if self.cfg.readout == "level-mean":
            return torch.stack([t.mean(1) for t in self.norm(c).split(sizes, 1)]).mean(0)
        return self.norm(c[:, 0])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(images))


def initialise(model: DeepFakeAdapter, trunk_std: float = 0.02) -> None:
    """The published initialisation of the adapters; the trunk, which the paper loads, is truncated normal."""
    d = model.cfg.dim
    with torch.no_grad():
        nn.init.trunc_normal_(model.cls_token, std=trunk_std)
        nn.init.trunc_normal_(model.pos_embed, std=trunk_std)
        nn.init.normal_(model.level_embed)
        bound = 1.0 / math.sqrt(3 * model.cfg.patch**2)
        nn.init.uniform_(model.patch_embed.proj.weight, -bound, bound)
        nn.init.zeros_(model.patch_embed.proj.bias)
        for block in model.blocks:
            for linear in (block.attn.qkv, block.attn.proj, block.mlp.fc1, block.mlp.fc2):
                nn.init.trunc_normal_(linear.weight, std=trunk_std)
                nn.init.zeros_(linear.bias)
            bound = 1.0 / math.sqrt(d)
            nn.init.uniform_(block.adaptor.down_proj.weight, -bound, bound)
            nn.init.zeros_(block.adaptor.down_proj.bias)
            nn.init.zeros_(block.adaptor.up_proj.weight)
            nn.init.zeros_(block.adaptor.up_proj.bias)
        for module in model.spm.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for step in model.interactions:
            for cross in (step.injector, step.extractor):
                nn.init.xavier_uniform_(cross.self_attn.in_proj_weight)
                nn.init.zeros_(cross.self_attn.in_proj_bias)
                nn.init.xavier_uniform_(cross.self_attn.out_proj.weight)
                nn.init.zeros_(cross.self_attn.out_proj.bias)
        nn.init.normal_(model.head[1].weight, std=0.01)


def fnv1a32(name: str) -> int:
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def hash_uniform(name: str, count: int) -> np.ndarray:
    """u(name, i) in [-1, 1) for i = 0 .. count-1, float32."""
    offset = np.uint64(fnv1a32(name) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF)
    x = np.arange(count, dtype=np.uint64) + offset
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x = x ^ (x >> np.uint64(31))
    return ((x >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0).astype(np.float32)


def hash_tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of tensor `name` by the hash rule; the first rule that fits decides."""
    f = np.float32
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    u = hash_uniform(name, math.prod(shape)).reshape(shape)
    if name.endswith("running_var"):
        return f(1.0) + f(0.3) * u
    if name.endswith("running_mean"):
        return f(0.1) * u
    if name.endswith("weight") and len(shape) <= 1:
        return f(1.0) + f(0.2) * u
    if name.endswith("gamma"):
        return f(0.3) * u
    if name.endswith("scale"):
        return np.full(shape, 0.7, np.float32)
    if name.endswith("bias"):
        return f(0.1) * u
    if len(shape) >= 2 and name not in ("pos_embed", "cls_token", "level_embed"):
        return u * np.sqrt(f(3.0) / f(math.prod(shape[1:])), dtype=np.float32)
    return f(0.5) * u


def fill_by_hash(model: nn.Module) -> None:
    state = {k: torch.from_numpy(np.asarray(hash_tensor(k, tuple(v.shape)))) for k, v in model.state_dict().items()}
    model.load_state_dict(state, strict=True)


def check_golden(folder: str) -> int:
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(f"{folder}/golden.safetensors", "pt") as f:
        meta = f.metadata() or {}
        golden = {k: f.get_tensor(k) for k in ("images", "eval.feature", "eval.logits")}
    text = next((v for v in meta.values() if v.lstrip().startswith("{") and "lsa_heads" in v), None)
    cfg = Config.from_dict(json.loads(text) if text else {k: json.loads(v) for k, v in meta.items() if k != "format"})
    weights = load_file(f"{folder}/weights.safetensors")
    failed = False
    for attention in (PackedCrossAttention, LibraryCrossAttention):
        for skip in (False, True):
            model = DeepFakeAdapter(cfg, attention, skip).eval()
            model.load_state_dict(weights, strict=True)
            with torch.no_grad():
                feature = model.features(golden["images"])
                logits = model.head(feature)
            gap_f = (feature - golden["eval.feature"]).abs().max().item()
            gap_l = (logits - golden["eval.logits"]).abs().max().item()
            failed |= not (gap_f <= 2e-5 and gap_l <= 2e-5)
            print(f"{attention.__name__} skip_unused_rows={skip}: feature {gap_f:.2e}, logits {gap_l:.2e}")
    fill_by_hash(model)
    unequal = [k for k, v in model.state_dict().items() if not torch.equal(v, weights[k])]
    print(f"hash rule: {len(weights) - len(unequal)} of {len(weights)} tensors bit-equal")
    return 1 if failed or unequal else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", required=True, metavar="DIR")
    sys.exit(check_golden(parser.parse_args().golden))
