"""Starts the mock provider and the bartizan binary once, and makes a client of each SDK."""

import json
import os
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

PROVIDER_KEY = "provider-key-of-the-tests"
PATIENCE_S = 30
# Never what the developer's own environment or profile says.
HIDDEN = ("BARTIZAN_", "OPENAI_", "ANTHROPIC_", "DATABRICKS_", "OTEL_")
for name in [name for name in os.environ if name.startswith(HIDDEN)]:
    if not name.startswith("BARTIZAN_E2E_"):
        del os.environ[name]
os.environ["DATABRICKS_CONFIG_FILE"] = os.devnull


def binary(name):
    path = os.environ.get(name)
    if not path or not Path(path).is_file():
        pytest.exit(f"{name} must name a built binary; run `cargo xtask e2e`", returncode=2)
    return path


class Mock:
    """The provider behind the gateway, and what it was sent."""

    def __init__(self, url):
        self.url = url

    def requests(self):
        with urllib.request.urlopen(f"{self.url}/__requests", timeout=5) as answer:
            return json.load(answer)

    def clear(self):
        request = urllib.request.Request(f"{self.url}/__requests", method="DELETE")
        urllib.request.urlopen(request, timeout=5).close()


@pytest.fixture(scope="session")
def mock_process():
    process = subprocess.Popen(
        [binary("BARTIZAN_E2E_MOCK"), "--port", "0", "--script", "obedient"],
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Mock(json.loads(process.stdout.readline())["url"])
    process.kill()
    process.wait()


@pytest.fixture
def mock(mock_process):
    mock_process.clear()
    return mock_process


@contextmanager
def gateway(folder, policy, *options, **variables):
    """The binary with a policy, all that it keeps and says below one folder; ended at the end."""
    (folder / "bartizan.yaml").write_text(policy)
    ready, log = folder / "ready.json", folder / "stderr.log"
    command = [binary("BARTIZAN_E2E_BIN"), "up", *options, "--config", folder / "bartizan.yaml"]
    visible = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "--data-dir", folder / "data", "--ready-file", ready],
            env={**visible, "E2E_PROVIDER_KEY": PROVIDER_KEY, **variables},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            info = json.loads(ready.read_text())
            break
        except (FileNotFoundError, json.JSONDecodeError):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.exit(f"bartizan did not start:\n{log.read_text()}", returncode=3)
            time.sleep(0.02)
    assert ready.stat().st_mode & 0o077 == 0, "the ready file holds keys: owner only"
    yield {**info, "data_dir": folder / "data", "log": log, "pid": process.pid}
    process.terminate()
    assert process.wait(PATIENCE_S) == 0, log.read_text()


@pytest.fixture(scope="session")
def bartizan(mock_process, tmp_path_factory):
    policy = (Path(__file__).parent / "policy.yaml").read_text().replace("MOCK", mock_process.url)
    with gateway(tmp_path_factory.mktemp("bartizan"), policy) as info:
        yield info


@pytest.fixture(scope="session")
def openai_client(bartizan):
    import openai

    return openai.OpenAI(
        base_url=bartizan["gateway"] + "/v1", api_key=bartizan["client_key"], max_retries=0, timeout=20
    )


@pytest.fixture(scope="session")
def anthropic_client(bartizan):
    import anthropic

    return anthropic.Anthropic(
        base_url=bartizan["gateway"], api_key=bartizan["client_key"], max_retries=0, timeout=20
    )


@pytest.fixture(scope="session")
def databricks_client(bartizan):
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    config = Config(
        host=bartizan["gateway"],
        token=bartizan["client_key"],
        auth_type="pat",
        retry_timeout_seconds=2,
        http_timeout_seconds=20,
    )
    return WorkspaceClient(config=config)


def user(text):
    """One message of a user, in the words of OpenAI and Anthropic."""
    return [{"role": "user", "content": text}]


def assert_whole_seconds(headers):
    """`Retry-After` is a positive integer; the SDKs ignore anything else."""
    assert int(headers["retry-after"]) > 0
