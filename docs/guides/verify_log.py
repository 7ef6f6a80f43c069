#!/usr/bin/env python3
"""Checks a Bartizan log without Bartizan: python3 verify_log.py FOLDER VKEY

Needs nothing but Python 3.8. FOLDER holds `checkpoint`, `events-*.jsonl` and `tile`; VKEY is the public
key of the log, as `bartizan audit key` prints it. Formats: RFC 6962 (tree), RFC 8032 (Ed25519), and
signed-note, tlog-checkpoint and tlog-tiles of c2sp.org.
"""
import base64, hashlib, pathlib, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    m, n = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    k, z = 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = n - m, z - k, z + k, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        total = add(total, point) if number & 1 else total
        point, number = add(point, point), number >> 1
    return total


def decode(data):
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
    assert y < P and (x * x - square) % P == 0, "a key or signature is no point of the curve"
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    left, right = times(s, BASE), add(decode(signature[:32]), times(h, decode(key)))
    return s < L and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def main(folder, vkey):
    folder = pathlib.Path(folder)
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    assert hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] == key_id and key[0] == 1, "no Ed25519 vkey"
    text, lines = (folder / "checkpoint").read_text("utf-8").rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text.splitlines()[:3]
    found = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.split(" ")[1] == name]
    found = [signature[4:] for signature in found if signature[:4].hex() == key_id]
    assert origin == name and any(signed(key[1:], text.encode(), s) for s in found), "the checkpoint is not signed by the key"
    size, hashes = int(size), []
    files = sorted(folder.glob("events-*.jsonl"))
    first = int(files[0].name.split("-")[1]) if files else size
    for index in range((min(first, size) + 255) // 256):  # entries that were removed for their age
        tile = "/".join(["x%03d" % (index // 10**k % 1000) for k in (6, 3) if index >= 10**k] + ["%03d" % (index % 1000)])
        data = (folder / "tile/0" / tile).read_bytes()
        hashes += [data[at : at + 32] for at in range(0, len(data), 32)]
    del hashes[first:]
    for file in files:
        assert int(file.name.split("-")[1]) == len(hashes), f"entry {len(hashes)} is missing"
        entries = [line for line in file.read_bytes().split(b"\n")[:-1] if line.strip()]
        hashes += [hashlib.sha256(b"\0" + entry).digest() for entry in entries]
    assert len(hashes) >= size, f"entry {len(hashes)} is missing"
    level = hashes[:size]
    while len(level) > 1:  # pairs from the left; what is left over goes up as it is
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2])]
        level = pairs + level[len(pairs) * 2 :]
    assert base64.b64encode(level[0]).decode() == root, "the entries are not those that were signed"
    print(f"holds: entries {first} to {size - 1} of {origin}")


try:
    main(*sys.argv[1:])
except (AssertionError, OSError, ValueError, IndexError, TypeError) as error:
    sys.exit(f"does not hold: {error}")
