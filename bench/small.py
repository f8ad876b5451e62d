"""Start-up, many tensors and many small layers: wall and CPU time of randomlike alone.

    cargo build --release
    python3 bench/small.py

Needs nothing beside Python. In a temporary folder it writes, seeded, a checkpoint of 10,000
tensors in 100 shards and one of a thousand 64x64 layers, and runs the program on each in turns.
The median is printed, with the user and system time of that run and the load average before it.
`--keep DIR` leaves the checkpoints there, for a profiler.
"""

import argparse
import array
import json
import os
import platform
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "target", "release", "randomlike")
SEED = 20


def write_safetensors(path, tensors):
    """`tensors`: name, shape and little-endian F32 bytes of each."""
    header, at = {}, 0
    for name, shape, data in tensors:
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors:
            out.write(data)


def normal(draw, count, std):
    entries = array.array("f", (draw.gauss(0.0, std) for _ in range(count)))
    if sys.byteorder == "big":
        entries.byteswap()
    return entries.tobytes()


def many_tensors(folder, shards=100, each=100):
    """A weight of 8x8 and a bias of 8 in turns, named as in a transformer, and an index."""
    draw, where = random.Random(SEED), {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        tensors = []
        for i in range(each // 2):
            name = f"model.layers.{shard}.block.{i}.proj"
            tensors.append((name + ".weight", [8, 8], normal(draw, 64, 0.3)))
            tensors.append((name + ".bias", [8], normal(draw, 8, 0.3)))
        write_safetensors(os.path.join(folder, file), tensors)
        where.update({name: file for name, _, _ in tensors})
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as out:
        json.dump({"metadata": {}, "weight_map": where}, out)


def small_layers(path, count=1000, side=64):
    """Normal entries of variance 1/side; names that make no chain."""
    draw = random.Random(SEED)
    data = [normal(draw, side * side, side**-0.5) for _ in range(count)]
    named = [(f"expert.{i}.weight", [side, side], entries) for i, entries in enumerate(data)]
    write_safetensors(path, named)


def timed(arguments):
    """Seconds: wall, user, system."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([PROGRAM, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


def report(name, arguments, turns, layers=None):
    load = os.getloadavg()[0]
    wall, user, system = sorted(timed(arguments) for _ in range(turns))[turns // 2]
    line = f"{name:34} {1e3 * wall:9.1f} ms wall {1e3 * user:9.1f} user {1e3 * system:7.1f} system"
    if layers:
        line += f"  {layers / wall:7.1f} layers/s, {1e3 * (user + system) / layers:.2f} ms CPU each"
    print(f"{line}  (load {load:.1f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="DIR", help="write the checkpoints there and keep them")
    parser.add_argument("--layers", type=int, default=1000, help="of 64x64")
    parser.add_argument("--turns", type=int, default=3, help="of the long runs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        many = os.path.join(folder, "many")
        small = os.path.join(folder, f"small-{args.layers}.safetensors")
        os.makedirs(many, exist_ok=True)
        many_tensors(many)
        small_layers(small, args.layers)
        version = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True)
        print(f"{version.stdout.strip()}, {os.cpu_count()} cores, {platform.platform()}")
        report("--help", ["--help"], 21)
        report("layers, 10,000 tensors", ["layers", many], 11)
        report("layers --json, 10,000 tensors", ["layers", "--json", many], 11)
        measure = ["inspect", "--json", small]
        report(f"inspect --json, {args.layers} of 64x64", measure, args.turns, args.layers)


if __name__ == "__main__":
    main()
