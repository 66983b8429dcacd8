"""The four rules by which libraries take a grid of positions to another size, and a golden of each alone.

Grids are (1, D, G, G) f32. torch's bicubic kernel is a = -0.75 without antialiasing and a = -0.5 with it.
"""
import torch
from torch.nn import functional

from reference import save_tensors

# The authors of DINOv2 add this to the wanted side before they divide by the stored one.
OFFSET = 0.1


def bicubic(grid, side):
    """transformers (CLIP, Dinov2) and MAE's authors."""
    return functional.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False)


def bicubic_antialias(grid, side):
    """timm, transformers' Dinov2 with registers, and the authors' DINOv2 with registers."""
    return functional.interpolate(grid, size=(side, side), mode="bicubic", align_corners=False, antialias=True)


def bilinear(grid, side):
    """timm's reader of Google's .npz files."""
    return functional.interpolate(grid, size=(side, side), mode="bilinear", align_corners=False)


def bicubic_offset(grid, side):
    """The authors' DINOv2 without registers: the given factor, not the ratio of the sides, places the samples."""
    factor = (side + OFFSET) / grid.shape[-1]
    result = functional.interpolate(grid, scale_factor=(factor, factor), mode="bicubic", align_corners=False)
    assert result.shape[-1] == side
    return result


METHODS = {"bicubic": bicubic, "bicubic-antialias": bicubic_antialias, "bilinear": bilinear, "bicubic-offset": bicubic_offset}


def with_prefix(positions, prefix, method, side):
    """(1, prefix + G * G, D) -> (1, prefix + side * side, D): the first `prefix` rows stay."""
    rows = positions.detach().float()
    stored = round((rows.shape[1] - prefix) ** 0.5)
    grid = rows[:, prefix:].reshape(1, stored, stored, -1).permute(0, 3, 1, 2)
    moved = method(grid, side).permute(0, 2, 3, 1).reshape(1, side * side, -1)
    return torch.cat([rows[:, :prefix], moved], dim=1)


# Stored and wanted side: shrunk and enlarged, by whole numbers and not, and DINOv2's own 518 -> 224.
SIDES = [(7, 4), (8, 4), (4, 7), (5, 15), (3, 5), (37, 16)]


def write_golden(path, seed):
    """`stored.G` (G * G, D) and `METHOD.G.to.H` (H * H, D), all f32, D = 2."""
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for stored, wanted in SIDES:
        grid = torch.randn(stored * stored, 2, generator=random)
        tensors[f"stored.{stored}"] = grid
        for name, method in METHODS.items():
            tensors[f"{name}.{stored}.to.{wanted}"] = with_prefix(grid[None], 0, method, wanted)[0]
    metadata = {"library": f"torch {torch.__version__.split('+')[0]}", "sides": str([list(pair) for pair in SIDES])}
    save_tensors(tensors, path, metadata)
