"""Files that mean harm or came to harm, named by what is wrong with them.

    python3 tests/hostile/make.py

Writes them beside this script; `faults.tsv` says in which words each is refused. Needs nothing but
Python; the files are committed, so that building and testing do not need it.
"""

import json
import os
import struct
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, data):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(data)


def write_all(files, ending):
    for name, data in files.items():
        write(f"{name}.{ending}", data)


def tensors(header, data=b"\0" * 24, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(shape=(2, 3), offsets=(0, 24), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def of_safetensors():
    files = {
        "empty": b"",
        "seven-bytes": b"\x01" * 7,
        "git-lfs-pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "html-error-page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "header-length-is-all-ones": b"\xff" * 8 + b"{}",
        "header-longer-than-the-format-allows": struct.pack("<Q", 100_000_001) + b"{}",
        "header-past-the-end": struct.pack("<Q", 4096) + b"{}",
        "header-is-no-json": tensors(b"{not json}"),
        "header-is-a-list": tensors(b"[]"),
        "header-is-no-utf8": tensors(b'{"\xff\xfe":' + json.dumps(entry()).encode() + b"}"),
        "header-is-deeply-nested": tensors(b'{"__metadata__":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        "metadata-is-no-object": tensors(b'{"__metadata__":7}', b""),
        "metadata-is-there-twice": tensors(b'{"__metadata__":{},"__metadata__":{}}', b""),
        "tensor-is-listed-twice": tensors(
            b'{"a":' + json.dumps(entry()).encode() + b',"a":' + json.dumps(entry()).encode() + b"}"
        ),
        "tensor-without-a-dtype": tensors({"a": {"shape": [2, 3], "data_offsets": [0, 24]}}),
        "tensor-without-a-shape": tensors({"a": {"dtype": "F32", "data_offsets": [0, 24]}}),
        "shape-is-negative": tensors({"a": entry((-2, 3))}),
        "shape-is-a-fraction": tensors({"a": entry((2.5, 3))}),
        "shape-overflows": tensors({"a": entry((2**40, 2**40))}),
        "shape-with-a-zero-hides-an-overflow": tensors({"a": entry((2**40, 2**40, 0), (0, 0))}, b""),
        "offsets-are-turned-round": tensors({"a": entry(offsets=(24, 0))}),
        "offsets-past-the-end": tensors({"a": entry(offsets=(0, 48))}),
        "offsets-wrap-round": tensors({"a": entry(offsets=(2**64 - 8, 2**64 - 1))}),
        "fewer-bytes-than-the-shape": tensors({"a": entry((2, 3), (0, 20))}, b"\0" * 20),
        "more-bytes-than-the-shape": tensors({"a": entry((2, 3), (0, 28))}, b"\0" * 28),
        "tensors-overlap": tensors({"a": entry(), "b": entry(offsets=(8, 32))}, b"\0" * 32),
        "hole-between-tensors": tensors({"a": entry(), "b": entry(offsets=(32, 56))}, b"\0" * 56),
        "bytes-behind-the-last-tensor": tensors({"a": entry()}, b"\0" * 25),
        "cut-off-in-the-data": tensors({"a": entry()}, b"\0" * 23),
        "cut-off-in-the-header": tensors({"a": entry()})[:30],
        "four-bits-end-inside-a-byte": tensors({"a": entry((3, 1), (0, 2), "F4")}, b"\0" * 2),
        "all-weights-are-words": tensors({"a": entry((2, 3), (0, 48), "I64")}, b"\0" * 48),
        "no-tensors": tensors(b"{}", b""),
    }
    write_all(files, "safetensors")


def of_index():
    def index(map_, more=""):
        return ('{"metadata":{},"weight_map":' + map_ + more + "}").encode()

    files = {
        "index-is-empty": b"",
        "index-without-a-map": b'{"metadata":{}}',
        "index-names-no-tensor": index("{}"),
        "index-leaves-its-folder": index('{"a":"../../../../etc/passwd"}'),
        "index-names-the-root": index('{"a":"/etc/passwd.safetensors"}'),
        "index-names-a-parent-in-the-middle": index('{"a":"x/../../y.safetensors"}'),
        "index-names-an-empty-shard": index('{"a":""}'),
        "index-names-another-format": index('{"a":"weights.bin"}'),
        "index-names-a-missing-shard": index('{"a":"gone.safetensors"}'),
        "index-lists-a-tensor-twice": index('{"a":"x.safetensors","a":"x.safetensors"}'),
        "index-map-is-a-list": index("[]"),
        "index-is-no-utf8": b'{"weight_map":{"\xff":"x.safetensors"}}',
    }
    write_all(files, "safetensors.index.json")


def archive(name, members, compression=zipfile.ZIP_STORED):
    path = os.path.join(HERE, name)
    with zipfile.ZipFile(path, "w", compression) as file:
        for member, data in members:
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            info.compress_type = compression
            file.writestr(info, data)
    return path


def text(word):
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def number(value):
    return b"J" + struct.pack("<i", value) if value < 2**31 else b"\x8a\x09" + struct.pack("<Q", value) + b"\0"


def described(offset=0, size=(2, 3), stride=(3, 1), key="0", rest=b"\x89", storage="FloatStorage"):
    sides = b"(" + b"".join(number(side) for side in size) + b"t"
    strides = b"(" + b"".join(number(step) for step in stride) + b"t"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(("
        + text("storage") + b"ctorch\n" + storage.encode() + b"\n" + text(key) + text("cpu") + number(6)
        + b"tQ" + number(offset) + sides + strides + rest + b"}tR"
    )


def state(*pairs):
    body = b"".join(text(name) + value for name, value in pairs)
    return b"\x80\x02}(" + body + b"u."


def of_torch():
    data = ("x/data/0", b"\0" * 24)
    files = {
        "pickle-runs-a-command": [("x/data.pkl", b"cposix\nsystem\n" + text("echo harm") + b"\x85R."), data],
        "pickle-is-empty": [("x/data.pkl", b""), data],
        "pickle-is-cut-off": [("x/data.pkl", state(("a", described()))[:40]), data],
        "pickle-with-an-unknown-opcode": [("x/data.pkl", b"\x80\x02\xff."), data],
        "pickle-takes-from-an-empty-stack": [("x/data.pkl", b"R."), data],
        "pickle-recalls-what-it-never-stored": [("x/data.pkl", b"h\x07."), data],
        "pickle-claims-a-text-of-4-gigabytes": [("x/data.pkl", b"X\xff\xff\xff\xffabc."), data],
        "pickle-doubles-at-every-step": [
            ("x/data.pkl", b")q\0" + b"h\0h\0\x86q\0" * 64 + b"."), data],
        "pickle-is-a-million-tuples-deep": [("x/data.pkl", b")" + b"\x85" * 1_000_000 + b"."), data],
        "pickle-holds-itself": [("x/data.pkl", b"}q\0" + text("a") + b"h\0s."), data],
        "tensor-with-too-few-arguments": [
            ("x/data.pkl", state(("a", b"ctorch._utils\n_rebuild_tensor_v2\n)R"))), data],
        "tensor-past-its-storage": [("x/data.pkl", state(("a", described(offset=1)))), data],
        "tensor-begins-beyond-64-bits": [("x/data.pkl", state(("a", described(offset=2**63)))), data],
        "tensor-of-negative-sides": [("x/data.pkl", state(("a", described(size=(-2, 3))))), data],
        "tensor-whose-strides-overflow": [
            ("x/data.pkl", state(("a", described(stride=(2**62, 2**62))))), data],
        "tensor-repeats-one-number-a-billion-times": [
            ("x/data.pkl", state(("a", described(size=(2**15, 2**15), stride=(0, 0))))), data],
        "tensor-without-its-storage": [("x/data.pkl", state(("a", described(key="9")))), data],
        "tensor-key-leaves-the-archive": [("x/data.pkl", state(("a", described(key="../../x")))), data],
        "archive-without-a-pickle": [data],
        "archive-with-two-pickles": [("x/data.pkl", state()), ("y/data.pkl", state())],
        "numbers-with-their-largest-byte-first": [
            ("x/data.pkl", state(("a", described()))), ("x/byteorder", b"big"), data],
        "net-without-a-tensor": [("x/data.pkl", state(("epoch", b"K\x03"))), data],
    }
    for name, members in files.items():
        packed = zipfile.ZIP_DEFLATED if "million" in name else zipfile.ZIP_STORED
        archive(f"{name}.pth", members, packed)
    path = archive("archive-is-cut-off.pth", [("x/data.pkl", state(("a", described()))), data])
    whole = open(path, "rb").read()
    write("archive-is-cut-off.pth", whole[:-30])
    write("archive-with-a-wrong-directory.pth", whole[:-20] + b"\xff" * 14 + whole[-6:])
    # Strides that reach a gigabyte, in a member that claims two and holds 24 bytes.
    wide = described(stride=(2**27, 2**26))
    path = archive("archive-claims-2-gigabytes-of-24-bytes.pth", [("x/data.pkl", state(("a", wide))), data])
    whole = open(path, "rb").read()
    claimed = whole.rindex(struct.pack("<II", 24, 24))
    write("archive-claims-2-gigabytes-of-24-bytes.pth",
          whole[:claimed + 4] + struct.pack("<I", 2**31) + whole[claimed + 8:])
    write("neither-archive-nor-pickle.pt", b"weights, honestly" * 9)
    write("older-file-cut-off.pt", bytes.fromhex("80028a0a6cfc9c46f9206aa850192e") + b"\x80\x02M\xe9\x03.")


def array(header, data=b"\0" * 24, version=1):
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def of_numpy():
    good = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n"
    files = {
        "array-without-magic": b"NUMPY!" + b"\0" * 40,
        "array-of-version-9": array(good, version=1)[:6] + b"\x09\0" + array(good)[8:],
        "array-header-claims-4-gigabytes": b"\x93NUMPY\x02\0\xff\xff\xff\xff" + good,
        "array-header-is-code": array(b"__import__('os').system('echo harm')\n"),
        "array-header-without-a-shape": array(b"{'descr': '<f4', 'fortran_order': False, }\n"),
        "array-shape-overflows": array(good.replace(b"(2, 3)", b"(9999999999, 9999999999)")),
        "array-shape-is-larger-than-its-data": array(good.replace(b"(2, 3)", b"(2000, 3000)")),
        "array-of-objects-is-a-pickle": array(good.replace(b"<f4", b"|O")),
    }
    for name, data in files.items():
        archive(f"{name}.npz", [("a.npy", data)])
    archive("archive-holds-no-array.npz", [("readme.txt", b"hello")])
    write("archive-is-none.npz", b"PK\x05\x06 nothing else")


def of_gguf():
    def word(text_):
        return struct.pack("<Q", len(text_)) + text_.encode()

    def header(count=1, pairs=0, version=3):
        return b"GGUF" + struct.pack("<IQQ", version, count, pairs)

    def tensor(name="a", sides=(32, 2), kind=0, offset=0):
        return (
            word(name) + struct.pack("<I", len(sides)) + b"".join(struct.pack("<Q", s) for s in sides)
            + struct.pack("<IQ", kind, offset)
        )

    room = b"\0" * 512
    deep = word("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 40
    files = {
        "gguf-without-magic": b"GGML" + header()[4:] + tensor() + room,
        "gguf-of-version-99": header(version=99) + tensor() + room,
        "gguf-cut-off": header()[:12],
        "gguf-claims-endless-tensors": header(count=2**64 - 1) + tensor() + room,
        "gguf-claims-endless-metadata": header(pairs=2**64 - 1) + room,
        "gguf-name-of-an-exabyte": header() + struct.pack("<Q", 2**60) + b"a" + room,
        "gguf-array-of-an-exabyte": header(pairs=1) + word("k") + struct.pack("<IIQ", 9, 0, 2**60) + room,
        "gguf-arrays-without-end": header(pairs=1) + deep + room,
        "gguf-metadata-of-an-unknown-type": header(pairs=1) + word("k") + struct.pack("<I", 77) + room,
        "gguf-tensor-of-a-thousand-sides": header() + tensor(sides=(1,) * 1000) + room,
        "gguf-shape-overflows": header() + tensor(sides=(2**40, 2**40)) + room,
        "gguf-tensor-past-the-end": header() + tensor(offset=4096) + room,
        "gguf-offset-wraps-round": header() + tensor(offset=2**64 - 32) + room,
        "gguf-row-ends-inside-a-block": header() + tensor(sides=(33, 2), kind=2) + room,
        "gguf-tensor-is-listed-twice": header(count=2) + tensor() + tensor() + room,
        "gguf-alignment-is-zero": header(pairs=1) + word("general.alignment") + struct.pack("<II", 4, 0)
        + tensor() + room,
    }
    write_all(files, "gguf")


def of_policies():
    files = {
        "policy-is-no-toml": b"[finite\n",
        "policy-is-no-utf8": b"[finite]\nlevel = '\xff'\n",
        "policy-names-an-unknown-check": b"[finitte]\nlevel = 'deny'\n",
        "policy-names-an-unknown-limit": b"[weights-gaussian]\nmax_kss = 0.1\n",
        "policy-limit-is-not-a-number": b"[weights-gaussian]\nmax_ks = nan\n",
        "policy-limit-is-a-word": b"[weights-gaussian]\nmax_ks = 'small'\n",
        "policy-level-is-unknown": b"[finite]\nlevel = 'maybe'\n",
        "policy-pattern-is-no-glob": b"[[layer]]\npattern = 'a[b'\n",
        "policy-pattern-matches-nothing": b"[[layer]]\npattern = 'no-such-layer'\n[layer.finite]\nlevel = 'warn'\n",
        "policy-layer-without-a-pattern": b"[[layer]]\n[layer.finite]\nlevel = 'warn'\n",
    }
    write_all(files, "toml")


def of_audits():
    files = {
        "audit-is-cut-off": b'{"schema_version": 1, "tool":',
        "audit-of-another-version": b'{"schema_version": 999999}',
        "audit-version-is-a-word": b'{"schema_version": "one"}',
        "audit-without-layers": b'{"schema_version": 1}',
        "json-that-is-nothing-of-ours": b'{"hello": "world"}',
        "json-that-is-a-number": b"7",
    }
    write_all(files, "json")


for make in (of_safetensors, of_index, of_torch, of_numpy, of_gguf, of_policies, of_audits):
    make()
print(len([name for name in os.listdir(HERE) if not name.endswith((".py", ".tsv"))]), "files")
