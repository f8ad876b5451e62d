"""The whole program beside WeightWatcher and NumPy, on the same file, in turns.

    cargo build --release
    python3 bench/peers.py [FILE.safetensors | --alexnet]

Without a file, normal weights of 1024x512 are written by `randomlike synth`; with `--alexnet`, the
shapes of AlexNet's three. The peers go into a virtual environment in a temporary folder, gone
afterwards; `--peers DIR` makes it there, or uses what is there. Nothing of this is needed to build
or to test.

What is timed:
- randomlike: the process from start to end, `inspect FILE --out DIR`: weights, spectra, controls,
  shadows, chains, verdict, report and figures
- weightwatcher-mp: loading the tensors and `analyze(mp_fit=True)`: spectra, power laws and the
  law's fit
- weightwatcher-random: the same with `randomize=True`: one shuffled matrix a layer as well
- numpy: loading the tensors and, of each, `numpy.linalg.svd` without vectors, in float64

The peers' interpreter and imports are not timed; their memory is the whole process's, and what
the imports had taken of it is said beside it. A ratio is the peer's over randomlike's, turn by
turn; above 1, randomlike is the faster or the smaller.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

import environment
import machine

SMALL = ["gaussian", "--inputs", "1024", "--outputs", "512"]
# Of issue 6, for AlexNet's shapes; half the memory of WeightWatcher.
GOALS = {"weightwatcher-mp": 4, "weightwatcher-random": 12}

# ru_maxrss after the imports, in the unit of this system.
IMPORTED = "imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"

NUMPY = f"""
import json, resource, sys, time
import numpy
from safetensors.numpy import load_file
{IMPORTED}
start = time.perf_counter()
matrices = [tensor for tensor in load_file(sys.argv[1]).values() if tensor.ndim == 2]
for matrix in matrices:
    numpy.linalg.svd(matrix.astype(numpy.float64), compute_uv=False)
seconds = time.perf_counter() - start
print(json.dumps({{
    "seconds": seconds, "imported": imported, "layers": len(matrices),
    "version": "NumPy " + numpy.__version__,
}}))
"""

# WeightWatcher turns a fit that fails into -1 and goes on; how many did not is part of the answer.
WEIGHTWATCHER = f"""
import contextlib, json, logging, resource, sys, time, warnings
warnings.filterwarnings("ignore")
with contextlib.redirect_stdout(sys.stderr):
    import numpy
    import torch
    import weightwatcher
    from safetensors.torch import load_file
    logging.disable(logging.CRITICAL)
    {IMPORTED}
    numpy.random.seed(1)
    start = time.perf_counter()
    tensors = load_file(sys.argv[1])
    matrices = {{name: w.float() for name, w in tensors.items() if w.ndim == 2}}
    # It takes what is called .weight, and all others only where nothing is.
    named = {{name.removesuffix(".weight") + ".weight": w for name, w in matrices.items()}}
    random = sys.argv[2] == "random"
    watcher = weightwatcher.WeightWatcher(model=named)
    found = watcher.analyze(mp_fit=True, randomize=random, plot=False, savefig=False)
    seconds = time.perf_counter() - start
columns = ["sigma_mp", "rand_sigma_mp"] if random else ["sigma_mp"]
print(json.dumps({{
    "seconds": seconds, "imported": imported, "layers": len(found),
    "fits": sum(int((found[column] > 0).sum()) for column in columns),
    "version": f"WeightWatcher {{weightwatcher.__version__}}, PyTorch {{torch.__version__}}, "
    f"NumPy {{numpy.__version__}}",
}}))
"""

PEERS = {
    "weightwatcher-mp": [WEIGHTWATCHER, "mp"],
    "weightwatcher-random": [WEIGHTWATCHER, "random"],
    "numpy": [NUMPY, ""],
}


def own(file, folder):
    return machine.run([machine.PROGRAM, "inspect", file, "--out", os.path.join(folder, "report")])


def peer(python, name, file, folder):
    """The process, and what it says of itself."""
    code, setting = PEERS[name]
    run = machine.run([python, "-c", code, file, setting], folder)
    return run, json.loads(run.output.splitlines()[-1])


def report(name, peers, mine, goal):
    seconds = [said["seconds"] for _, said in peers]
    peaks = [run.peak for run, _ in peers]
    said = peers[0][1]
    imported = said["imported"] * machine.PEAK_UNIT / 1e6
    fits = f", {said['fits']} fits" if "fits" in said else ""
    print(f"{name}: {said['version']}; {said['layers']} layers{fits}")
    print(
        f"  {machine.spread(seconds)} s, peak {machine.spread(peaks, 0)} MB, "
        f"of it {imported:.0f} by the imports"
    )
    times = [s / run.seconds for s, run in zip(seconds, mine)]
    memory = [p / run.peak for p, run in zip(peaks, mine)]
    wanted = (f", goal {goal}", ", goal 2") if goal else ("", "")
    print(f"  ratio of time {machine.spread(times)}{wanted[0]}")
    beyond = [(p - imported) / run.peak for p, run in zip(peaks, mine)]
    print(
        f"  ratio of memory {machine.spread(memory)}{wanted[1]}; "
        f"without the imports {machine.spread(beyond)}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a .safetensors file; one is made without")
    parser.add_argument("--alexnet", action="store_true", help="make one of AlexNet's shapes")
    parser.add_argument("--peers", metavar="DIR", help="the virtual environment, kept")
    parser.add_argument("--skip", action="append", default=[], choices=PEERS, help="leave out")
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    if args.file and args.alexnet:
        parser.error("either a file or --alexnet")
    names = [name for name in PEERS if name not in args.skip]
    with tempfile.TemporaryDirectory() as temporary:
        place = args.peers or os.path.join(temporary, "peers")
        python = names and environment.python(place, environment.WEIGHTWATCHER)
        file = os.path.abspath(args.file or os.path.join(temporary, "synth.safetensors"))
        if not args.file:
            kind = ["alexnet"] if args.alexnet else SMALL
            machine.run([machine.PROGRAM, "synth", *kind, file])
        print(machine.describe())
        print(f"{os.path.basename(file)}, {os.path.getsize(file) / 1e6:.0f} MB, {args.turns} turns\n")
        mine, others = [], {name: [] for name in names}
        for turn in range(args.turns):
            print(f"turn {turn + 1} of {args.turns}", file=sys.stderr)
            mine.append(own(file, temporary))
            for name in names:
                others[name].append(peer(python, name, file, temporary))
        print("randomlike inspect --out")
        cpu = statistics.median(run.cpu for run in mine)
        print(
            f"  {machine.spread([run.seconds for run in mine])} s, {cpu:.2f} s of CPU, "
            f"peak {machine.spread([run.peak for run in mine], 0)} MB"
        )
        for name in names:
            report(name, others[name], mine, args.alexnet and GOALS.get(name))
        print(f"load at the end {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
