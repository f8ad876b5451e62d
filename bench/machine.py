"""What the benchmarks run on, and what one process takes."""

import dataclasses
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
PROGRAM = os.path.join(ROOT, "target", "release", "randomlike")
# ru_maxrss counts KiB, on macOS bytes.
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclasses.dataclass
class Run:
    """Wall and CPU seconds of a process from start to end, its peak memory in MB, its output."""

    seconds: float
    cpu: float
    peak: float
    output: str


def run(command, folder=None):
    """Runs `command` in `folder`; its errors are shown only when it fails.

    A process's peak is at least that of the script that starts it: keep scripts small.
    """
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process:
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{command[0]} exits with {process.returncode}:\n{errors.read()}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(seconds, cpu, usage.ru_maxrss * PEAK_UNIT / 1e6, output)


def describe():
    """Version, machine, date and load, in two lines."""
    version = run([PROGRAM, "--version"]).output.strip()
    where = f"{processor()}, {os.cpu_count()} cores, {platform.platform()}"
    when = f"{time.strftime('%Y-%m-%d %H:%M')}, load {os.getloadavg()[0]:.1f}"
    return f"{version}; Python {platform.python_version()}; {when}\n{where}"


def processor():
    try:
        with open("/proc/cpuinfo") as facts:
            names = [line.split(":", 1)[1].strip() for line in facts if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def spread(values, digits=2):
    """Median and range: `2.10 (1.98 to 2.31)`."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
