"""grids.bin: the points that GGUF's IQ1, IQ2 and IQ3 blocks refer to, from the package gguf.

    python3 -m venv producers
    producers/bin/pip install gguf==0.19.0
    producers/bin/python crates/checkpoint/src/formats/gguf/blocks/grids.py

Six tables, one after the other, of 16-bit little-endian words: a point each, eight coordinates of two
bits or four of four, the first lowest. The package has them in hexadecimal; ggml's licence, MIT, lies
in LICENSE-ggml.
"""

import os

from gguf import quants

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ1_S")

with open(os.path.join(HERE, "grids.bin"), "wb") as file:
    for kind in KINDS:
        file.write(bytes.fromhex(getattr(quants, kind).grid_hex.decode()))
