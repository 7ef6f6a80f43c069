#!/usr/bin/env python3
"""Checks a Bartizan log without Bartizan: python3 verify_log.py FOLDER VKEY

Needs nothing but Python 3.8. FOLDER holds `checkpoint`, `events-*.jsonl` and `tile`; VKEY is the public
key of the log, as `bartizan audit key` prints it. Formats: RFC 6962 (tree), RFC 8032 (Ed25519), and
signed-note, tlog-checkpoint and tlog-tiles of c2sp.org.
"""
import base64, hashlib, pathlib, re, sys

# What the log says of itself: entries that it removed for their age, and entries that it found at a start.
OWN = re.compile(rb'\{"area":"ledger","detail":"entries (?:before )?(\d+)(?: to (\d+))?","operation":"entries-(removed|adopted)",')
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
    if y >= P or (x * x - square) % P:
        raise ValueError("a key or signature is no point of the curve")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, text, signature):
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % L
    left, right = times(s, BASE), add(decode(signature[:32]), times(h, decode(key)))
    return s < L and all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))


def check(holds, otherwise):
    if not holds:
        sys.exit(f"does not hold: {otherwise}")


def main(folder, vkey):
    folder = pathlib.Path(folder)
    name, key_id, key = vkey.split("+", 2)
    key = base64.b64decode(key)
    check(hashlib.sha256(name.encode() + b"\n" + key).hexdigest()[:8] == key_id and key[0] == 1, "this is no Ed25519 vkey")
    text, lines = (folder / "checkpoint").read_bytes().decode().rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    found = [base64.b64decode(line.split(" ")[2]) for line in lines.split("\n")[:-1] if line.split(" ")[1] == name]
    found = [signature[4:] for signature in found if signature[:4].hex() == key_id]
    signs = any(signed(key[1:], text.encode(), signature) for signature in found)
    check(origin == name and signs, "the checkpoint is not signed by the key")
    size, hashes, removals, adopted = int(size), [], [], []
    files = sorted(folder.glob("events-*.jsonl"))
    check(files or not size, "the entries are missing")
    first = int(files[0].name.split("-")[1]) if files else 0
    for index in range((first + 255) // 256):  # entries that were removed for their age
        tile = "/".join(["x%03d" % (index // 10**k % 1000) for k in (6, 3) if index >= 10**k] + ["%03d" % (index % 1000)])
        data = (folder / "tile/0" / tile).read_bytes()
        hashes += [data[at : at + 32] for at in range(0, len(data), 32)]
    del hashes[first:]
    for file in files:
        check(int(file.name.split("-")[1]) == len(hashes), f"entry {len(hashes)} is missing")
        entries = file.read_bytes().split(b"\n")
        check(entries.pop() == b"" or file is files[-1], f"{file.name} ends inside of a line")
        for entry in filter(lambda line: line.strip(b" \t\r\x0c"), entries):
            said = OWN.match(entry) if len(hashes) < size else None
            if said and said[3] == b"removed":
                removals.append((len(hashes), int(said[1])))
            elif said:
                adopted.append((int(said[1]), int(said[2])))
            hashes.append(hashlib.sha256(b"\0" + entry).digest())
    check(len(hashes) >= size, f"entry {len(hashes)} is missing")
    # What was found at a start, and not signed before, may be of somebody else.
    kept = [kept for entry, kept in removals if not any(a <= entry <= b for a, b in adopted)]
    check(first <= max([0] + kept), f"entry {first - 1} is missing")
    level = hashes[:size] or [hashlib.sha256(b"").digest()]
    while len(level) > 1:  # pairs from the left; what is left over goes up as it is
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2])]
        level = pairs + level[len(pairs) * 2 :]
    check(base64.b64encode(level[0]).decode() == root, "the entries are not those that were signed")
    what = f"entries {first} to {size - 1} of {origin}" if size else f"{origin}, of which no entry is signed"
    print(f"holds: {what}; {len(hashes) - size} more are not signed yet")


try:
    main(*sys.argv[1:])
except (OSError, ValueError, IndexError, TypeError) as error:
    sys.exit(f"does not hold: {error}")
