"""How many threads of a run have work, sampled: do both cores have something to do?

    cargo build --release
    ./target/release/randomlike synth alexnet alexnet.safetensors
    python3 bench/busy.py inspect alexnet.safetensors --json

Needs nothing beside Python on Linux. A hundred times a second it counts the threads that run or
wait for a core, and prints the share of the samples with each number. Other load makes stages of
one thread longer like all others, so the shares say more on a busy machine than the clock does.
`--program FILE`, first, takes another build.
"""

import collections
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "target", "release", "randomlike")


def runnable(process):
    """Threads in state R."""
    count = 0
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/stat") as stat:
            count += stat.read().rpartition(") ")[2].startswith("R")
    return count


def main():
    arguments = sys.argv[1:]
    program = PROGRAM
    if arguments[:1] == ["--program"]:
        program, arguments = arguments[1], arguments[2:]
    if not arguments:
        sys.exit(__doc__)
    child = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    samples = collections.Counter()
    while child.poll() is None:
        try:
            samples[runnable(child.pid)] += 1
        except OSError:
            pass  # a thread or the whole run has just ended
        time.sleep(0.01)
    whole = sum(samples.values())
    for count, times in sorted(samples.items()):
        print(f"{count} threads: {times / whole:.3f}")
    sys.exit(child.returncode)


if __name__ == "__main__":
    main()
