"""The spectrum of one layer of fc6's shape: this engine, NumPy, LAPACK and the floor, in turns.

    cargo build --release -p randomlike-maths --example one_spectrum
    cargo build --release -p randomlike-maths --example one_spectrum --features lapack --target-dir target/lapack
    python3 bench/spectrum.py

The second build needs Debian's libopenblas-dev and has a folder of its own, so that neither build
undoes the other; where it was not made, the `lapack` engine is skipped. NumPy goes into a virtual
environment in a temporary folder; `--peers DIR` makes it there, or uses what is there.

Every turn takes, each in a process of its own and on the same seeded float32 matrix in memory:
- NumPy: `numpy.linalg.svd` without vectors of the matrix in float64, and in float32
- faer: `singular_values` with this crate's default engine
- lapack: the same with the engine on OpenBLAS; the Gram matrix is this crate's in both
- the float64 product of two squares, by faer and by NumPy's library, best of three

The floor is (n^2 k + 4 n^3/3) operations, n the smaller side and k the larger, at the faster of the
turn's two products. Ratios are taken turn by turn.
"""

import argparse
import json
import os
import statistics
import tempfile

import environment
import machine

FAER = os.path.join(machine.ROOT, "target", "release", "examples", "one_spectrum")
LAPACK = os.path.join(machine.ROOT, "target", "lapack", "release", "examples", "one_spectrum")

NUMPY = """
import json, sys, time
import numpy

def timed(work):
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start

file, rows, cols, side = sys.argv[1], *map(int, sys.argv[2:])
matrix = numpy.fromfile(file, "<f4").reshape(rows, cols)
svd = lambda kind: numpy.linalg.svd(matrix.astype(kind), compute_uv=False)
values, double = timed(lambda: svd(numpy.float64))
_, single = timed(lambda: svd(numpy.float32))
square = numpy.random.default_rng(1).standard_normal((side, side))
product = min(timed(lambda: square @ square)[1] for _ in range(3))
library = numpy.show_config(mode="dicts")["Build Dependencies"]["lapack"]
print(json.dumps({
    "seconds": double, "single": single, "values": values.tolist(), "product": product,
    "version": f"NumPy {numpy.__version__} on {library['name']} {library['version']}",
}))
"""

DRAW = """
import sys
import numpy
rows, cols = map(int, sys.argv[2:])
numpy.random.default_rng(1).standard_normal((rows, cols), numpy.float32).tofile(sys.argv[1])
"""


def said(run):
    return json.loads(run.output.splitlines()[-1])


def shape(text):
    rows, cols = map(int, text.split("x"))
    return rows, cols


def apart(values, others):
    """The largest distance of two spectra, as a share of the largest value."""
    return max(abs(a - b) for a, b in zip(values, others, strict=True)) / others[0]


def turn(python, engines, file, sides, side):
    """What each process says: `numpy`, and each engine by name."""
    rows, cols = map(str, sides)
    found = {"numpy": machine.run([python, "-c", NUMPY, file, rows, cols, str(side)])}
    for engine, program in engines.items():
        options = ["--engine", engine, "--product", str(side)]
        found[engine] = machine.run([program, file, rows, cols, *options])
    return {name: (run, said(run)) for name, run in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", type=shape, default="4096x9216", help="rows x columns")
    parser.add_argument("--peers", metavar="DIR", help="the virtual environment, kept")
    parser.add_argument("--product", type=int, default=4096, help="side of the squares multiplied")
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    if not os.path.exists(FAER):
        parser.error("build first: cargo build --release -p randomlike-maths --example one_spectrum")
    engines = {"faer": FAER}
    if os.path.exists(LAPACK):
        engines["lapack"] = LAPACK
    with tempfile.TemporaryDirectory() as temporary:
        place = args.peers or os.path.join(temporary, "peers")
        python = environment.python(place, ["numpy"])
        file = os.path.join(temporary, "matrix")
        machine.run([python, "-c", DRAW, file, *map(str, args.shape)])
        print(machine.describe())
        rows, cols = args.shape
        print(f"{rows}x{cols} float32, {args.turns} turns\n")
        turns = [turn(python, engines, file, args.shape, args.product) for _ in range(args.turns)]
    n, k = sorted(args.shape)
    operations = n * n * k + 4 * n**3 / 3
    speeds = {
        name: [2 * args.product**3 / each[name][1]["product"] for each in turns]
        for name in ("numpy", "faer")
    }
    peaks = [max(pair) for pair in zip(*speeds.values())]
    floors = [operations / peak for peak in peaks]
    seconds = {name: [each[name][1]["seconds"] for each in turns] for name in turns[0]}
    single = [each["numpy"][1]["single"] for each in turns]
    memory = {name: statistics.median(each[name][0].peak for each in turns) for name in turns[0]}
    ours = seconds["faer"]

    def ratio(above, below):
        return machine.spread([a / b for a, b in zip(above, below)])

    spread = machine.spread
    print(turns[0]["numpy"][1]["version"])
    for name, speed in speeds.items():
        speed = spread([s / 1e9 for s in speed], 1)
        print(f"float64 product of {args.product}, {name}: {speed} GFlop/s")
    print(f"floor: {operations / 1e9:.1f} GFlop, {spread(floors)} s")
    print(f"NumPy, float64: {spread(seconds['numpy'])} s")
    print(f"NumPy, float32: {spread(single)} s")
    for name in engines:
        print(f"{name}: {spread(seconds[name])} s, peak of the process {memory[name]:.0f} MB")
        distance = apart(turns[0][name][1]["values"], turns[0]["numpy"][1]["values"])
        print(f"  values at most {distance:.1e} of the largest from NumPy's in float64")
    print(f"\nNumPy float64 / faer: {ratio(seconds['numpy'], ours)}, goal at least 4")
    print(f"faer / floor: {ratio(ours, floors)}, goal at most 1.8")
    if "lapack" in engines:
        print(f"lapack / faer: {ratio(seconds['lapack'], ours)}, goal at least 1")
    else:
        print("lapack / faer: skipped, target/lapack holds no build; see the head of this script")
    print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
