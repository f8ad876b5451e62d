"""Time of a training step, PyTorch beside randomlike, on one core and the same net.

    python3 -m venv peers && peers/bin/pip install torch
    cargo build --release
    peers/bin/python bench/train_step.py

784-256-256-10, batches of 50, Adam. randomlike is timed as a whole: a run of 2000 steps less
one of 500, so that reading the data and measuring the net at the end drop out. Both take turns,
and the medians of five turns are printed.
"""

import math
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"
import torch

torch.set_num_threads(1)

SIZES = [784, 256, 256, 10]
BATCH = 50
TURNS = 5
PROGRAM = os.path.join(os.path.dirname(__file__), "..", "target", "release", "randomlike")


def write_data(folder):
    """Idx files of random pixels: 3000 images to train on, 100 to test with."""
    for stem, count in [("train", 3000), ("t10k", 100)]:
        with open(os.path.join(folder, stem + "-images-idx3-ubyte"), "wb") as out:
            out.write(struct.pack(">IIII", 0x803, count, 28, 28) + os.urandom(count * 784))
        with open(os.path.join(folder, stem + "-labels-idx1-ubyte"), "wb") as out:
            out.write(struct.pack(">II", 0x801, count) + bytes(i % 10 for i in range(count)))


def ours(data, method):
    """Milliseconds a step."""

    def seconds(steps):
        with tempfile.TemporaryDirectory() as out:
            command = [PROGRAM, "train", "--data", data, "--out", out, "--methods", method]
            command += ["--seeds", "1", "--threads", "1", "--steps", str(steps)]
            command += ["--every", "100000"]
            start = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            return time.perf_counter() - start

    return (seconds(2000) - seconds(500)) / 1.5


def net():
    layers = []
    for fan_in, fan_out in zip(SIZES, SIZES[1:]):
        layer = torch.nn.Linear(fan_in, fan_out)
        torch.nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_in))
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def shadows(layers, code):
    """x = Bern(rho) r(alpha W h), alpha = 2/(rho n s^2), from the highest hidden code down."""
    at = code
    for layer, keep in [(layers[2], 0.5), (layers[0], 1.0)]:
        weight = layer.weight
        alpha = 2 / (keep * weight.shape[1] * weight.square().mean())
        at = torch.relu(alpha * (at @ weight))
        if keep < 1:
            at = at * (torch.rand_like(at) < keep)
    return at


def theirs(images, labels, method, steps=1500):
    """Milliseconds a step."""
    torch.manual_seed(0)
    layers = net()
    optimiser = torch.optim.Adam(layers.parameters(), lr=1e-3)
    start = time.perf_counter()
    for step in range(steps):
        chosen = torch.randperm(len(images))[:BATCH]
        batch, target = images[chosen], labels[chosen]
        if method == "backprop":
            loss = torch.nn.functional.cross_entropy(layers(batch), target)
        else:
            with torch.no_grad():
                code = layers[:4](batch)
                soft = torch.softmax(layers[4](code), 1)
                copies = shadows(layers, code)
            logits = layers(torch.cat([batch, copies]))
            loss = torch.nn.functional.cross_entropy(logits[:BATCH], target)
            loss = loss + 0.3 * torch.nn.functional.cross_entropy(logits[BATCH:], soft)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return 1000 * (time.perf_counter() - start) / steps


def main():
    with tempfile.TemporaryDirectory() as data:
        write_data(data)
        images = torch.rand(1000, 784)
        labels = torch.randint(10, (1000,))
        print(f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}, one thread each")
        for method in ["backprop", "shadow"]:
            turns = [(ours(data, method), theirs(images, labels, method)) for _ in range(TURNS)]
            own, other = (statistics.median(side) for side in zip(*turns))
            ratio = statistics.median(a / b for a, b in turns)
            print(
                f"{method:9} randomlike {own:.2f} ms a step, PyTorch {other:.2f}; "
                f"ratio {ratio:.2f} (from {min(a / b for a, b in turns):.2f} "
                f"to {max(a / b for a, b in turns):.2f})"
            )


if __name__ == "__main__":
    main()
