"""What a layer is expected to take of memory, beside what the system counts.

    cargo build --release
    python3 bench/memory.py

Needs nothing beside Python on Linux. In a temporary folder it writes one layer a shape, asks the
program what it takes (by giving it too little), and measures it with just that. The largest
resident set is of the whole process. `--shapes 4096x9216:f32,...` (outputs x inputs) asks for
others; `--more ARGUMENTS` are given to `inspect` too.
"""

import argparse
import os
import re
import shlex
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "target", "release", "randomlike")
SHAPES = "64x64:f32,512x512:f32,1000x4096:f32,4096x4096:f32,4096x4096:bf16,4096x9216:f32,2048x2048:f64"


def expected(arguments):
    """MB that the program names when it is given too little."""
    told = subprocess.run([PROGRAM, *arguments, "--memory", "1B"], capture_output=True, text=True)
    assert told.returncode == 2, told
    return int(re.search(r"takes about (\d+)MB", told.stderr)[1])


def resident(arguments):
    """MB of the largest resident set."""
    child = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, arguments
    return usage.ru_maxrss * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--shapes", default=SHAPES)
    parser.add_argument("--kind", default="gaussian", help="what `synth` plants")
    parser.add_argument("--more", default="", type=shlex.split)
    asked = parser.parse_args()
    print("outputs x inputs    expected    resident    share")
    for layer in asked.shapes.split(","):
        shape, dtype = layer.split(":")
        outputs, inputs = shape.split("x")
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "layer.safetensors")
            sides = ["--inputs", inputs, "--outputs", outputs, "--dtype", dtype]
            synth = [PROGRAM, "synth", asked.kind, file, *sides]
            subprocess.run(synth, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            inspect = ["inspect", file, "--json", *asked.more]
            most = expected(inspect)
            found = resident([*inspect, "--memory", f"{most}MB"])
        print(f"{layer:16} {most:8} MB {found:8.0f} MB {found / most:8.2f}")


if __name__ == "__main__":
    main()
