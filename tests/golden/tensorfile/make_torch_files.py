#!/usr/bin/env python3
"""Writes the small checkpoints of this folder with torch itself, the program whose files we read.

    python3 make_torch_files.py OUT     (torch 2.15.0, numpy 2.4.6, safetensors 0.8.0)

expected.safetensors holds the tensors that plain.pt, legacy.pt, protocol4.pt and nocrc.pt must give, made contiguous by torch. Legacy files
name their storages by memory addresses, so their bytes change from run to run; the values do not.
"""
import argparse
import os
import pathlib
import sys
import zipfile

import numpy
import safetensors.torch
import torch


class Command:
    """Pickles as a call of os.system; never built here."""

    def __reduce__(self):
        return os.system, ("touch /tmp/dfa-was-executed",)


class Subclass(torch.Tensor):
    pass


def values(*shape, dtype=torch.float32):
    count = int(numpy.prod(shape))
    return (torch.arange(count, dtype=torch.float64) * 0.37 - 1.5).reshape(shape).to(dtype)


def tensors():
    base = values(6, 4)
    return {
        "contiguous": values(2, 3),
        "transposed": values(3, 5).t(),
        "channels_last": values(2, 3, 4, 2).contiguous(memory_format=torch.channels_last),
        "rows_of_shared": base[2:4],          # an offset into a storage ...
        "columns_of_shared": base[:, 1:3],    # ... that this one reads with strides
        "expanded": values(3, 1).expand(3, 4),
        "half": values(5, dtype=torch.float16),
        "bfloat": values(5, dtype=torch.bfloat16),
        "double": values(2, 2, dtype=torch.float64),
        "long": torch.tensor([-(2**40), 7], dtype=torch.int64),
        "int": torch.tensor([-5, 6], dtype=torch.int32),
        "short": torch.tensor([-300, 300], dtype=torch.int16),
        "char": torch.tensor([-7, 7], dtype=torch.int8),
        "byte": torch.tensor([0, 255], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(0.25),
        "counter": torch.tensor(12345),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(values(4)),
    }


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def wrapped():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(4, 3)).square().sum().backward()
    optimizer.step()
    state = torch.nn.DataParallel(torch.nn.DataParallel(model)).state_dict()  # module.module.*, with `_metadata`
    return {"epoch": 3, "best_val_auc": numpy.float64(0.75), "state_dict": state, "optimizer": optimizer.state_dict(),
            "scaler": {"scale": 65536.0}, "args": argparse.Namespace(lr=0.1, data=pathlib.PurePosixPath("x"))}


def repack(source, target, method, replace=()):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for info in old.infolist():
            data = old.read(info)
            for name, content in replace:
                data = content if info.filename.endswith(name) else data
            entry = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = method
            new.writestr(entry, data)


def main(out):
    out = pathlib.Path(out)
    plain = tensors()
    safetensors.torch.save_file({name: t.detach().contiguous().clone() for name, t in plain.items()}, out / "expected.safetensors")
    torch.save(plain, out / "plain.pt")
    torch.save(plain, out / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(plain, out / "protocol4.pt", pickle_protocol=4)
    torch.serialization.set_crc32_options(False)
    torch.save(plain, out / "nocrc.pt")
    torch.serialization.set_crc32_options(True)

    torch.save(wrapped(), out / "wrapped.pt")
    torch.save(wrapped(), out / "wrapped_legacy.pt", _use_new_zipfile_serialization=False)
    safetensors.torch.save_file({name: t.clone() for name, t in network_after_step().items()}, out / "wrapped_expected.safetensors")

    torch.save(network(), out / "whole_object.pt")
    torch.save({"w": values(2).as_subclass(Subclass)}, out / "foreign_tensor.pt")
    torch.save({"w": torch._neg_view(values(2))}, out / "negated.pt")
    torch.save({"state_dict": {"w": values(2)}, "note": Command()}, out / "hostile_beside.pt")
    torch.save({"w": values(2), "x": Command()}, out / "hostile_inside.pt")
    torch.save({"state_dict": {"w": values(2)}, "note": Command()}, out / "hostile_legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3}, out / "no_tensors.pt")
    scripted = torch.jit.trace(network().eval(), torch.ones(1, 3))
    scripted.save(str(out / "torchscript.pt"))
    repack(out / "no_tensors.pt", out / "compressed.pt", zipfile.ZIP_DEFLATED)
    repack(out / "no_tensors.pt", out / "big_endian.pt", zipfile.ZIP_STORED, [("byteorder", b"big")])


def network_after_step():
    return {name.replace("module.", ""): t for name, t in wrapped()["state_dict"].items()}


if __name__ == "__main__":
    main(sys.argv[1])
