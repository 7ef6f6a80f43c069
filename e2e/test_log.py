"""The event log, checked by a program that knows nothing of Bartizan."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PATIENCE_S, gateway, user

VERIFIER = Path(__file__).parent.parent / "docs/guides/verify_log.py"


def verify(log, key):
    return subprocess.run([sys.executable, VERIFIER, log, key], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def log(bartizan, openai_client, tmp_path_factory):
    """A copy of the log with some entries, all of them signed."""
    for number in range(5):
        openai_client.chat.completions.create(model="demo", messages=user(f"hello {number}"))
    source = bartizan["data_dir"] / "ledger"
    deadline = time.monotonic() + PATIENCE_S
    while not (source / "checkpoint").exists() or int((source / "checkpoint").read_text().splitlines()[1]) < 5:
        assert time.monotonic() < deadline, "nothing was signed"
        time.sleep(0.1)
    # The process goes on writing: what it writes now is behind the checkpoint that is copied first.
    copy = tmp_path_factory.mktemp("log")
    shutil.copy(source / "checkpoint", copy)
    shutil.copytree(source, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoint", "signing.key", "*.new"))
    return copy


def test_an_outside_verifier_accepts_the_log_and_finds_every_change(log):
    key = (log / "log.vkey").read_text().strip()
    held = verify(log, key)
    assert held.returncode == 0 and held.stdout.startswith("holds: entries 0 to "), held.stderr
    file = next(log.glob("events-*.jsonl"))
    lines = file.read_bytes()
    for at in range(0, len(lines.split(b"\n")[0]), 37):
        file.write_bytes(lines[:at] + bytes([lines[at] ^ 1]) + lines[at + 1 :])
        assert verify(log, key).returncode == 1, at
    file.write_bytes(lines)
    checkpoint = (log / "checkpoint").read_text()
    (log / "checkpoint").write_text(checkpoint.replace("\n", "\n1", 1))
    assert "not signed by the key" in verify(log, key).stderr
    (log / "checkpoint").write_text(checkpoint)
    assert verify(log, key).returncode == 0


def test_a_log_that_only_says_which_policy_is_in_force_holds(tmp_path):
    policy = """
version: 1
listen: { gateway: "127.0.0.1:0", console: "127.0.0.1:0" }
providers: { demo: { demo: {} } }
endpoints: { demo: { routes: [{ provider: demo, model: demo }] } }
"""
    with gateway(tmp_path, policy) as info:
        log = info["data_dir"] / "ledger"
    origin, size = (log / "checkpoint").read_text().splitlines()[:2]
    assert size == "1"
    held = verify(log, (log / "log.vkey").read_text().strip())
    assert held.returncode == 0, held.stderr
    assert held.stdout == f"holds: entries 0 to 0 of {origin}; 0 more are not signed yet\n"
