"""What every golden of this folder shares: random weights, a record of every layer, the file it goes into.

Axes: N pictures, S side in pixels, T tokens, D width.
"""
import json
import math

import numpy
import safetensors.torch
import torch

PICTURES = 2
# Below this, float32 and float64 agree as well as rounding lets them; far below the 1e-4 that the engines must meet.
MAX_F32_ERROR = 1e-5

CONFIG_KEYS = ["image", "large", "patch", "dim", "depth", "heads", "mlp", "activation", "norm_eps", "pre_norm", "patch_bias", "distilled",
               "registers", "layer_scale", "gated_mlp", "rotary_base"]


def sizes(image, large, patch, **fields):
    """The `config` of a golden: a plain ViT of width 32 unless told otherwise. `mlp` of a gated MLP is the width behind the gate."""
    config = dict(image=image, large=large, patch=patch, dim=32, depth=2, heads=4, mlp=48, activation="gelu", norm_eps=1e-6, pre_norm=False,
                  patch_bias=True, distilled=False, registers=0, layer_scale=False, gated_mlp=False, rotary_base=None)
    unknown = set(fields) - set(config)
    assert not unknown, unknown
    config.update(fields)
    assert config["dim"] // config["heads"] != 64, "a head width of 64 would be guessed right by chance"
    assert list(config) == CONFIG_KEYS
    return config


def generator(seed):
    return torch.Generator().manual_seed(seed)


def random_value(name, tensor, random):
    """A float32 value far from what the library starts with, such that activations stay of order 1."""
    def uniform(low, high):
        return low + (high - low) * torch.rand(tensor.shape, generator=random)

    def normal(scale):
        return scale * torch.randn(tensor.shape, generator=random)

    leaf = name.rsplit(".", 1)[-1]
    if leaf in ("gamma", "lambda1"):  # layer scale
        return uniform(0.3, 0.9)
    if "norm" in name or ".ln_" in name or name.startswith("ln_"):
        return uniform(0.5, 1.5) if leaf == "weight" else normal(0.2)
    if leaf == "bias" or leaf.endswith("_bias"):
        return normal(0.2)
    if tensor.ndim >= 2 and leaf.endswith("weight") and "position" not in name and "token" not in name:
        return normal(1.3 / math.sqrt(tensor[0].numel()))
    return normal(0.5)  # tokens, positions, and the scalars that we do not read


def randomise(model, seed):
    """Fills every parameter, in the order of their names, so that a version that lists them otherwise gives the same file."""
    random = generator(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            parameter.copy_(random_value(name, parameter, random))
    return model.eval()


def pictures(side, seed):
    """(N, 3, S, S) f32, as if already normalised."""
    return torch.randn(PICTURES, 3, side, side, generator=generator(seed))


def record(blocks, forward, images):
    """What enters the first block, what leaves each, and what `forward(images)` returns by name."""
    seen = {}

    def enters(_module, inputs):
        seen["tokens.embedded"] = inputs[0]

    def leaves(index):
        def hook(_module, _inputs, output):
            seen[f"tokens.layer.{index}"] = output[0] if isinstance(output, tuple) else output
        return hook

    handles = [blocks[0].register_forward_pre_hook(enters)]
    handles += [block.register_forward_hook(leaves(index)) for index, block in enumerate(blocks)]
    with torch.no_grad():
        seen.update(forward(images))
    for handle in handles:
        handle.remove()
    return {name: value.detach().clone() for name, value in seen.items()}


def both_precisions(model, blocks, forward, images):
    """The record in float64, and its largest difference from the same in float32, relative to the largest value of the tensor."""
    exact = record(blocks(model.double()), forward, images.double())
    single = record(blocks(model.float()), forward, images.float())
    assert set(exact) == set(single)
    error = max(float((exact[name] - single[name]).abs().max() / exact[name].abs().max()) for name in exact)
    return exact, error


class Golden:
    """Collects `small.*` and `large.*` and writes golden.safetensors beside the weights."""

    def __init__(self, folder, config, library, word, resample):
        self.folder, self.config, self.library, self.word, self.resample = folder, config, library, word, resample
        self.tensors, self.error = {}, 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, prefix, model, blocks, forward, seed):
        side = self.config["image" if prefix == "small" else "large"]
        images = pictures(side, seed)
        seen, error = both_precisions(model, blocks, forward, images)
        self.error = max(self.error, error)
        assert error < MAX_F32_ERROR, f"{self.folder.name} {prefix}: float32 is off by {error:.1e}"
        grid = side // self.config["patch"]
        tokens = 1 + self.config["distilled"] + self.config["registers"] + grid * grid
        self.tensors[f"{prefix}.images"] = images
        for name, value in seen.items():
            if name.startswith("tokens."):
                assert value.shape == (PICTURES, tokens, self.config["dim"]), (name, value.shape)
            spread = float(value.std())
            assert 0.05 < spread < 20, f"{self.folder.name} {prefix}.{name}: spread {spread}"
            self.tensors[f"{prefix}.{name}"] = value.float().contiguous()
        assert seen["feature"].shape == (PICTURES, self.config["dim"])

    def write(self):
        metadata = {"library": self.library, "kind": self.folder.name, "import": self.word, "resample": self.resample,
                    "config": json.dumps(self.config)}
        save_tensors(self.tensors, self.folder / "golden.safetensors", metadata)


def resampling_matters(kind, patch_positions, large_positions):
    """Refuses positions at the second size that merely repeat stored ones. Both: (tokens, D) of the patches alone."""
    nearest = torch.cdist(large_positions.double(), patch_positions.double()).min(dim=1).values
    changed = float((nearest > 1e-3).double().mean())
    assert changed > 0.5, f"{kind}: only {changed:.0%} of the positions at the second size are new"
    return changed


def save_tensors(tensors, path, metadata):
    """safetensors' own bytes with the metadata in order: the library shuffles it from run to run."""
    data = safetensors.torch.save(tensors, metadata)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(length)
    assert len(text) == length
    path.write_bytes(data[:8] + text + data[8 + length:])


def save_numpy_archive(path, tensors):
    numpy.savez(path, **{name: value.numpy() for name, value in tensors.items()})
