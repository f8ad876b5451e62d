"""The peers' virtual environment: never needed to build or to test."""

import os
import subprocess
import sys

WEIGHTWATCHER = ["weightwatcher==0.7.7", "torch", "safetensors", "numpy"]


def python(folder, packages):
    """The Python of the environment in `folder`; makes it, with `packages`, where there is none.

    pip's own settings say where packages come from. PyTorch's usual package brings libraries for
    GPUs, several GB; a build without them serves as well.
    """
    found = os.path.abspath(os.path.join(folder, "bin", "python"))
    if not os.path.exists(found):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([found, "-m", "pip", "install", "--quiet", *packages], check=True)
    return found
