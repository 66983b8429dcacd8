# SPDX-License-Identifier: Apache-2.0
"""The Python environment of the peers, and the facts about a machine that stand beside every figure. Standard library only.

    python3 environment.py VENV      # makes the environment, or finds that it is there already
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
LISTS = {"requirements.txt": [], "requirements-nodeps.txt": ["--no-deps"]}
ISA_FLAGS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8")


def set_up(folder: pathlib.Path) -> pathlib.Path:
    """Makes the virtual environment unless one of the same lists is there; its interpreter."""
    python = folder / "bin" / "python"
    stamp = folder / "peers.sha256"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in LISTS)).hexdigest()
    if stamp.exists() and stamp.read_text().strip() == wanted:
        return python
    print(f"setting up {folder}: some minutes, and some gigabytes", file=sys.stderr, flush=True)
    venv.create(folder, with_pip=True)
    for name, options in LISTS.items():
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, "-r", str(HERE / name)]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"{' '.join(command)} failed")
    stamp.write_text(wanted + "\n")
    return python


def cpu_facts() -> dict:
    """Model, instruction sets, processors and load of this machine, now."""
    fields: dict[str, str] = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    return {
        "cpu": fields.get("model name", platform.processor()),
        "processors": len(os.sched_getaffinity(0)),
        "isa": [flag for flag in ISA_FLAGS if flag in flags],
        "kernel": platform.release(),
        "load_average": [round(value, 2) for value in os.getloadavg()],
    }


def facts_line(facts: dict) -> str:
    load = ", ".join(f"{value:.2f}" for value in facts["load_average"])
    return f"{facts['cpu']}, {facts['processors']} processors ({' '.join(facts['isa'])}), load average {load}"


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile; linear between values, as `dfa bench`."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(set_up(pathlib.Path(sys.argv[1])))
