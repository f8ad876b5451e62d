"""The whole program beside WeightWatcher and NumPy, on the same file, in turns.

    cargo build --release
    python3 bench/peers.py [FILE.safetensors]

Without a file, a seeded one is written: normal weights of 256x256 to 1024x4096. The peers go into
a virtual environment in a temporary folder, gone afterwards; `--peers DIR` makes it there, or uses
what is there. Nothing of this is needed to build or to test.

What is timed:
- randomlike: the process from start to end, `inspect --json`: fits, spectra, controls, shadows
- WeightWatcher: loading the tensors and `analyze()` with its defaults: spectra and power laws
- NumPy: loading the tensors and, of each, `numpy.linalg.svd` without vectors, in float64

The peers' interpreter and imports are not counted. A ratio is the peer's time over randomlike's,
turn by turn; above 1, randomlike is the faster.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "target", "release", "randomlike")
PACKAGES = ["numpy", "safetensors", "weightwatcher==0.7.7"]
# The build for processors alone is a tenth of the other.
TORCH = ["torch", "--index-url", "https://download.pytorch.org/whl/cpu"]
SHAPES = [(256, 256), (512, 512), (1024, 1024), (1024, 4096)]

NUMPY = """
import json, sys, time
import numpy
from safetensors.numpy import load_file
start = time.perf_counter()
matrices = [tensor for tensor in load_file(sys.argv[1]).values() if tensor.ndim == 2]
for matrix in matrices:
    numpy.linalg.svd(matrix.astype(numpy.float64), compute_uv=False)
seconds = time.perf_counter() - start
version = "NumPy " + numpy.__version__
print(json.dumps({"seconds": seconds, "version": version, "layers": len(matrices)}))
"""

WEIGHTWATCHER = """
import contextlib, json, logging, os, sys, time, warnings
warnings.filterwarnings("ignore")
with contextlib.redirect_stdout(sys.stderr):
    import torch
    import weightwatcher
    from safetensors.torch import load_file
    logging.disable(logging.CRITICAL)
    start = time.perf_counter()
    tensors = load_file(sys.argv[1])
    matrices = {name: w.float() for name, w in tensors.items() if w.ndim == 2}
    # It takes what is called .weight, and all others only where nothing is.
    named = {name.removesuffix(".weight") + ".weight": w for name, w in matrices.items()}
    found = weightwatcher.WeightWatcher(model=named).analyze()
    seconds = time.perf_counter() - start
version = f"WeightWatcher {weightwatcher.__version__}, PyTorch {torch.__version__}"
print(json.dumps({"seconds": seconds, "version": version, "layers": len(found)}))
"""


def install(folder):
    """The environment's Python; makes the environment where there is none."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet"]
        if subprocess.run([*pip, *TORCH], stderr=subprocess.DEVNULL).returncode != 0:
            subprocess.run([*pip, TORCH[0]], check=True)
        subprocess.run([*pip, *PACKAGES], check=True)
    return python


def own(file):
    start = time.perf_counter()
    subprocess.run([PROGRAM, "inspect", "--json", file], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def peer(python, code, file):
    done = subprocess.run(
        [python, "-c", code, file], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return json.loads(done.stdout.splitlines()[-1])


def processor():
    try:
        with open("/proc/cpuinfo") as facts:
            names = [line.split(":", 1)[1].strip() for line in facts if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a .safetensors file; one is made without")
    parser.add_argument("--peers", metavar="DIR", help="the virtual environment, kept")
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        python = install(args.peers or os.path.join(temporary, "peers"))
        file = args.file or os.path.join(temporary, "normal.safetensors")
        if not args.file:
            import random

            import small

            draw = random.Random(small.SEED)
            tensors = [
                (f"net.{i}.weight", [rows, cols], small.normal(draw, rows * cols, 0.03))
                for i, (rows, cols) in enumerate(SHAPES)
            ]
            small.write_safetensors(file, tensors)
        version = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True)
        print(f"{version.stdout.strip()}; Python {platform.python_version()}")
        print(f"{processor()}, {os.cpu_count()} cores, {platform.platform()}")
        print(f"{time.strftime('%Y-%m-%d %H:%M')}, load {os.getloadavg()[0]:.1f}")
        rows = []
        for _ in range(args.turns):
            mine = own(file)
            rows.append((mine, peer(python, WEIGHTWATCHER, file), peer(python, NUMPY, file)))
        mine = [row[0] for row in rows]
        print(f"randomlike inspect --json: {statistics.median(mine):.2f} s")
        for place in (1, 2):
            seconds = [row[place]["seconds"] for row in rows]
            ratios = [s / row[0] for s, row in zip(seconds, rows)]
            first = rows[0][place]
            print(
                f"{first['version']}, {first['layers']} layers: "
                f"{statistics.median(seconds):.2f} s, ratio "
                f"{statistics.median(ratios):.2f} (from {min(ratios):.2f} to {max(ratios):.2f})"
            )


if __name__ == "__main__":
    main()
