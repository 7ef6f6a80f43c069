"""Words that stand nowhere else go in by every door, and none of them comes out on the disk or in the logs."""

import base64
import gzip
import http.client
import itertools
import json
import os
import random
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import PATIENCE_S, binary, gateway, user

POLICY = """
version: 1
listen: { gateway: "127.0.0.1:0", console: "127.0.0.1:0" }
providers:
  open: { openai-compatible: { base-url: "MOCK/v1", api-key: env:CANARY_KEY } }
  ant: { anthropic: { base-url: "MOCK", api-key: env:CANARY_KEY } }
  dbx: { databricks: { host: "MOCK", token: env:CANARY_KEY } }
endpoints:
  open:
    routes: [{ provider: open, model: m }]
    guardrails: &guardrails
      - { id: g-word, on: [input, output, tool-call, tool-result], detect: keywords, keywords: [heliotrope], action: block }
      - { id: g-flag, on: [input, output, tool-call, tool-result], detect: keywords, keywords: [vermilion], action: flag }
      - { id: g-pii, on: [input, output, tool-call, tool-result], detect: pii, action: mask, restore: true }
      - { id: g-injection, on: [input, tool-result], detect: prompt-injection, action: flag }
  claude: { routes: [{ provider: ant, model: m }], guardrails: *guardrails }
  bricks: { routes: [{ provider: dbx, model: m }], guardrails: *guardrails }
"""
# What makes a guardrail find something, so that an event speaks of the place.
FLAGGED, BLOCKED, MASKED = "vermilion", "heliotrope", "eve.moneypenny@example.org"


# Begins every word, so that a text without it needs no look at the rest.
MARK = "Cnry"


class Canaries:
    """Words that were given out, with what for."""

    def __init__(self, seed):
        self.random, self.given = random.Random(seed), {}

    def __call__(self, what):
        word = MARK + "".join(self.random.choices("bcdfghjkmnpqrstvwxz", k=20)) + "Q"
        self.given[word] = what
        return word


def forms(word):
    """How a word may be written by somebody who means no harm."""
    raw = word.encode()
    yield "plain", raw
    yield "small", raw.lower()
    yield "reversed", raw[::-1]
    yield "hex", raw.hex().encode()
    yield "hex", raw.hex().upper().encode()
    yield "utf-16", word.encode("utf-16-le")
    yield "url", "".join(f"%{byte:02X}" for byte in raw).encode()
    yield "url", "".join(f"%{byte:02x}" for byte in raw).encode()
    yield "json", "".join(f"\\u{ord(c):04x}" for c in word).encode()
    yield "bytes", str(list(raw))[1:-1].encode()
    for before in range(3):
        # The letters that do not depend on what stands around.
        whole = base64.b64encode(b"-" * before + raw)
        yield "base64", whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def found(canaries, text):
    """What the words in a text were for, and how they are written there."""
    may_be = [mark in text for _, mark in forms(MARK)]
    return {
        (what, form)
        for word, what in canaries.given.items()
        for is_marked, (form, bytes_) in zip(may_be, forms(word))
        if (is_marked or not word.startswith(MARK)) and bytes_ in text
    }


def test_words_are_found_however_they_are_written():
    canary = Canaries("forms")
    word = canary("word")
    for around in range(4):
        text = b"-" * around + word.encode() + b"--"
        assert {form for _, form in found(canary, base64.b64encode(text))} == {"base64"}
        assert {form for _, form in found(canary, text)} == {"plain"}
    assert {form for _, form in found(canary, json.dumps(word[::-1]).encode())} == {"reversed"}
    assert {form for _, form in found(canary, word.encode().hex(":").encode())} == set()
    assert {form for _, form in found(canary, word.encode().hex().encode())} == {"hex"}
    assert {form for _, form in found(canary, f"a {word} b".encode("utf-16"))} == {"utf-16"}


@pytest.fixture(scope="module")
def provider():
    """A provider that answers with canaries, and fails with canaries."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    server.canaries, server.asked = Canaries("provider"), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


class Provider(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        canary, fault = self.server.canaries, next((word for word in FAULTS if word in json.dumps(body)), None)
        if fault == "fault-status":
            status = 400 + len(self.server.asked) % 2 * 103
            error = {"type": canary("error type"), "message": canary("error message"), canary("error key"): [FLAGGED]}
            self.answer(status, json.dumps({"error": error}).encode(), "application/json")
        elif fault == "fault-text":
            self.answer(502, f"<html>{canary('error page')}</html>".encode(), "text/html")
        elif fault == "fault-json":
            self.answer(200, f'{{"id": "{canary("broken JSON")}", "choices": [{{'.encode(), "application/json")
        elif body.get("stream"):
            events = list(self.events(canary, fault))
            self.answer(200, b"".join(events), "text/event-stream")
        else:
            self.answer(200, json.dumps(self.document(canary)).encode(), "application/json")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("x-canary", self.server.canaries("header of the provider"))
        self.send_header("x-request-id", self.server.canaries("request id of the provider"))
        self.end_headers()
        self.wfile.write(body)

    def words(self, canary, what):
        return f"{canary(what)} {FLAGGED} {MASKED}"

    def document(self, canary):
        more = {canary("key of an answer"): {canary("key in an answer"): self.words(canary, "unknown member of an answer")}}
        usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "input_tokens": 3, "output_tokens": 4}
        if "messages" in self.path and "completions" not in self.path:
            if self.path.endswith("count_tokens"):
                return {"input_tokens": 3, **more}
            content = [
                {"type": "text", "text": self.words(canary, "text of an answer")},
                {"type": "tool_use", "id": canary("call id"), "name": canary("tool of an answer"), "input": {canary("argument key"): self.words(canary, "argument")}},
            ]
            return {"id": canary("answer id"), "type": "message", "role": "assistant", "model": canary("model of an answer"), "content": content, "stop_reason": "tool_use", "stop_sequence": canary("stop sequence"), "usage": usage, **more}
        if self.path.endswith("embeddings"):
            return {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": canary("model of an answer"), "usage": usage, **more}
        if self.path.endswith("responses"):
            output = [
                {"type": "message", "id": canary("item id"), "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": self.words(canary, "text of an answer"), "annotations": [{"type": "file_citation", "filename": canary("cited file"), "file_id": canary("file id"), "index": 1}]}]},
                {"type": "function_call", "id": canary("item id"), "call_id": canary("call id"), "name": canary("tool of an answer"), "arguments": json.dumps({canary("argument key"): self.words(canary, "argument")}), "status": "completed"},
            ]
            return {"id": canary("answer id"), "object": "response", "created_at": 1, "status": "completed", "model": canary("model of an answer"), "output": output, "usage": usage, **more}
        if self.path.endswith("/completions") and "chat" not in self.path:
            return {"id": canary("answer id"), "object": "text_completion", "created": 1, "model": "m", "choices": [{"index": 0, "text": self.words(canary, "text of an answer"), "finish_reason": "stop"}], "usage": usage, **more}
        call = {"id": canary("call id"), "type": "function", "function": {"name": canary("tool of an answer"), "arguments": json.dumps({canary("argument key"): self.words(canary, "argument")})}}
        message = {"role": "assistant", "content": self.words(canary, "text of an answer"), "refusal": None, "tool_calls": [call], **more}
        return {"id": canary("answer id"), "object": "chat.completion", "created": 1, "model": canary("model of an answer"), "system_fingerprint": canary("fingerprint"), "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": usage}

    def events(self, canary, fault):
        def data(document, name=None):
            return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(document).encode() + b"\n\n"

        def pieces(what):
            text = self.words(canary, what)
            return [text[at : at + 7] for at in range(0, len(text), 7)]

        yield f": {canary('comment of a stream')}\n\n".encode()
        if "completions" in self.path or "invocations" in self.path:
            def chunk(delta):
                choice = {"index": 0, "delta": delta, "finish_reason": None}
                return data({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})

            for piece in pieces("text of a stream"):
                yield chunk({"content": piece})
            yield chunk({"tool_calls": [{"index": 0, "id": canary("call id"), "type": "function", "function": {"name": canary("tool of a stream"), "arguments": ""}}]})
            for piece in pieces("argument of a stream"):
                yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
            yield chunk({canary("key of a stream"): self.words(canary, "unknown member of a stream")})
            if fault == "fault-event":
                yield f'data: {{"{canary("broken event")}": \n\n'.encode()
            yield b"data: [DONE]\n\n"
        elif "messages" in self.path:
            yield data({"type": "message_start", "message": {"id": canary("answer id"), "type": "message", "role": "assistant", "model": canary("model of a stream"), "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}}, "message_start")
            yield data({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, "content_block_start")
            for piece in pieces("text of a stream"):
                yield data({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}, "content_block_delta")
            if fault == "fault-event":
                error = {"type": canary("error type"), "message": canary("error in a stream")}
                yield data({"type": "error", "error": error}, "error")
            yield data({"type": "content_block_stop", "index": 0}, "content_block_stop")
            yield data({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}}, "message_delta")
            yield data({"type": "message_stop"}, "message_stop")
        else:
            for piece in pieces("text of a stream"):
                yield data({"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": piece}, "response.output_text.delta")
            yield data({"type": canary("type of an event"), canary("key of a stream"): self.words(canary, "unknown event")}, canary("name of an event"))
            if fault == "fault-event":
                yield f'data: {{"{canary("broken event")}": \n\n'.encode()
            yield data({"type": "response.completed", "response": self.document(canary)}, "response.completed")


FAULTS = ("fault-status", "fault-text", "fault-json", "fault-event")


def bodies(canary, model, word):
    """Bodies of every protocol with a canary wherever a caller may put one."""

    def text(what):
        return f"{canary(what)} {word}"

    def more():
        return {canary("key"): {canary("inner key"): [text("unknown member")], f"{canary('key with a finding')} {word}": 1}}

    payload = base64.b64encode(canary("payload").encode() * 3).decode()
    schema = {"type": "object", "description": text("schema"), "properties": {canary("parameter"): {"type": "string", "enum": [text("enum")]}}}
    function = {"name": canary("tool")[:60], "description": text("description of a tool"), "parameters": schema}
    call = {"id": canary("call id"), "type": "function", "function": {"name": canary("called tool"), "arguments": json.dumps({canary("argument key"): text("argument")})}}
    messages = [
        {"role": "system", "content": text("system prompt"), "name": canary("name of a speaker")},
        {"role": "user", "content": [{"type": "text", "text": text("prompt"), **more()}]},
        {"role": "assistant", "content": text("answer before"), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": canary("call id"), "content": text("tool result")},
        {"role": "user", "content": text("last prompt")},
    ]
    files = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{payload}", "detail": canary("detail")}},
        {"type": "image_url", "image_url": {"url": f"https://example.org/{canary('image url')}"}},
        {"type": "input_audio", "input_audio": {"data": payload, "format": canary("format of audio")}},
        {"type": "file", "file": {"filename": canary("file name"), "file_data": f"data:application/pdf;base64,{payload}"}},
    ]
    chat = {"model": model, "messages": messages, "tools": [{"type": "function", "function": function}], "user": canary("user"), "metadata": {canary("metadata key"): canary("metadata")}, "stop": [canary("stop")]}
    for stream in (False, True):
        yield "/v1/chat/completions", {**chat, "stream": stream}
        yield "/v1/chat/completions", {**chat, **more(), "stream": stream}
        yield "/v1/chat/completions", {**chat, "messages": [{"role": "user", "content": files}], "stream": stream}
        yield "/serving-endpoints/bricks/invocations", {**chat, "stream": stream}
        yield "/v1/responses", {
            "model": model, "stream": stream, "instructions": text("instructions"), "user": canary("user"),
            "input": [
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text("prompt")}, {"type": "input_file", "filename": canary("file name"), "file_data": payload}]},
                {"type": "function_call_output", "call_id": canary("call id"), "output": text("tool result")},
                {"type": canary("type of an item"), **more()},
            ],
            "tools": [{"type": "function", **function}], "prompt_cache_key": canary("cache key"),
        }
        yield "/v1/messages", {
            "model": model.replace("open", "claude"), "max_tokens": 64, "stream": stream, "system": text("system prompt"),
            "metadata": {"user_id": canary("user")}, "stop_sequences": [canary("stop")],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": text("prompt")}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": payload}}]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": canary("call id"), "name": canary("called tool"), "input": {canary("argument key"): text("argument")}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": canary("call id"), "content": text("tool result")}]},
            ],
            "tools": [{"name": canary("tool"), "description": text("description of a tool"), "input_schema": schema}],
        }
        yield "/v1/completions", {"model": model, "stream": stream, "prompt": text("prompt"), "suffix": text("suffix")}
    yield "/v1/messages/count_tokens", {"model": "claude", "messages": [{"role": "user", "content": text("prompt")}]}
    yield "/v1/embeddings", {"model": model, "input": [text("prompt"), text("second prompt")], "user": canary("user")}
    yield "/v1/moderations", {"model": "open", "input": [text("prompt")]}
    yield "/v1/images/generations", {"model": model, "prompt": text("prompt of an image")}
    yield "/v1/audio/speech", {"model": model, "input": text("words of a speech"), "voice": canary("voice")}


class Caller:
    """Sends a request as it is, whatever comes back."""

    def __init__(self, url, key):
        self.host, self.key, self.statuses = urllib.parse.urlsplit(url).netloc, key, []

    def send(self, method, path, body=b"", headers=()):
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE_S)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            all_headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **dict(headers)}
            connection.request(method, path, body, all_headers)
            answer = connection.getresponse()
            self.statuses.append(answer.status)
            return answer.read().decode(errors="replace")
        except http.client.HTTPException:
            return ""
        finally:
            connection.close()


def ask_everything(canary, gateway_caller, console_caller):
    send = gateway_caller.send
    headers = lambda: {name: canary(f"header {name}") for name in (
        "x-anything", "user-agent", "cookie", "referer", "openai-organization", "x-request-id", "traceparent",
        "anthropic-version", "anthropic-beta", "openai-beta", "x-forwarded-for", "accept-language",
    )}  # fmt: skip
    for word in ("", FLAGGED, MASKED, BLOCKED, *FAULTS):
        for path, body in bodies(canary, "open", word):
            send("POST", path, body, headers())
    # Names of models that nobody knows, and paths.
    for path, body in bodies(canary, canary("model"), ""):
        send("POST", path, body)
    for path, body in bodies(canary, f"open/{canary('model of an endpoint')}", ""):
        send("POST", path, body)
    send("GET", f"/v1/models/{canary('model in a path')}")
    send("POST", f"/serving-endpoints/{canary('endpoint in a path')}/invocations", {"messages": []})
    send("GET", f"/{canary('path')}?{canary('query key')}={canary('query')}")
    send("POST", f"/v1/chat/completions?{canary('query key')}={canary('query')}", {"model": "open", "messages": []})
    send(canary("method").upper(), "/v1/models")
    # What cannot be read.
    prompt = {"model": "open", "messages": [{"role": "user", "content": canary("prompt of a broken body")}]}
    send("POST", "/v1/chat/completions", json.dumps(prompt).encode()[:-2] + b"\xff")
    send("POST", "/v1/chat/completions", json.dumps(prompt).replace('"role"', f'"{canary("key twice")}":1,"{canary("key twice")}":1,"role"').encode())
    send("POST", "/v1/chat/completions", gzip.compress(json.dumps(prompt).encode()), {"content-encoding": canary("encoding")})
    send("POST", "/v1/chat/completions", {"model": "open", "messages": canary("messages that are none")})
    send("POST", "/v1/chat/completions", {"model": {canary("model that is none"): 1}})
    # Keys that nobody has.
    for scheme in ("Bearer", "Basic", canary("scheme")):
        send("GET", "/v1/models", headers={"authorization": f"{scheme} {canary('key of a client')}"})
    send("GET", "/v1/models", headers={"authorization": "", "x-api-key": canary("key of a client")})
    send("GET", "/v1/models", headers={"authorization": f"Bearer bz_{canary('key of a client')}"})

    admin = console_caller.send
    admin("GET", "/api/v1/keys", headers={"authorization": f"Bearer {canary('key of an admin')}"})
    admin("GET", f"/api/v1/{canary('admin path')}?{canary('query key')}={canary('query')}", headers=headers())
    admin("POST", "/api/v1/keys", json.dumps({"name": "sp:bot", "scope": canary("scope"), canary("key"): 1}).encode())
    admin("POST", "/api/v1/keys", f'{{"{canary("broken JSON")}'.encode())
    admin("DELETE", f"/api/v1/keys/{canary('id of a key')}")
    admin("GET", f"/api/v1/events?since={canary('since')}&limit={canary('limit')}")
    admin("PUT", f"/api/v1/endpoints/{canary('endpoint')}", {canary("key"): canary("value")})
    admin("PUT", "/api/v1/endpoints/made", {canary("key"): canary("value")})
    admin("GET", f"/ledger/tile/{canary('tile')}")
    made = json.loads(admin("POST", "/api/v1/keys", {"name": "sp:other", "scope": "client"}))
    for key in (made["key"], gateway_caller.key, console_caller.key):
        canary.given[key] = "key that was made"


def kept(*folders):
    """Everything in files below some folders, by name."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield path, path.read_bytes()


@pytest.mark.parametrize("options", [("-vv",), ("--log-json",)], ids=["debug", "trace"])
def test_no_canary_is_kept_or_logged(provider, tmp_path, options):
    canary = provider.canaries = Canaries(str(options))
    provider.asked.clear()
    temp = tmp_path / "temp"
    temp.mkdir()
    key = canary("key of a provider")
    variables = {"CANARY_KEY": key, "TMPDIR": str(temp), "RUST_LOG": "trace", "RUST_BACKTRACE": "1"}
    if "-vv" not in options:
        variables["BARTIZAN_LOG"] = "trace"
    policy = POLICY.replace("MOCK", f"http://127.0.0.1:{provider.server_address[1]}")
    with gateway(tmp_path, policy, *options, **variables) as info:
        caller = Caller(info["gateway"], info["client_key"])
        ask_everything(canary, caller, Caller(info["console"], info["admin_key"]))
        deadline = time.monotonic() + PATIENCE_S
        while not any((info["data_dir"] / "ledger/tile").rglob("*")):
            assert time.monotonic() < deadline, "nothing was signed"
            time.sleep(0.1)
        told = run_commands(canary, info["data_dir"], variables)
    # The canaries were really sent, answered, found and refused.
    sent = json.dumps(provider.asked)
    assert len(provider.asked) > 60 and key in sent, len(provider.asked)
    assert {200, 400, 401, 404, 502, 503} <= set(caller.statuses), sorted(set(caller.statuses))
    events = [json.loads(line) for path, text in kept(info["data_dir"] / "ledger") if path.suffix == ".jsonl" for line in text.splitlines()]
    rules = {finding["rule"] for event in events for finding in event.get("findings", ())}
    assert {"keyword", "email"} <= rules, rules
    assert any("*" in finding["pointer"] for event in events for finding in event.get("findings", ()))

    leaks = {}
    (tmp_path / "ready.json").unlink()
    for path, text in itertools.chain(kept(tmp_path), [("commands", told)]):
        for what, form in found(canary, text):
            leaks.setdefault(f"{what} ({form})", []).append(str(path).replace(str(tmp_path), ""))
    assert leaks == {}


def test_what_a_caller_writes_that_events_keep(provider, tmp_path):
    """The name of a model, where the policy leaves it to callers, and the names that admins give."""
    canary = provider.canaries = Canaries("kept")
    policy = POLICY.replace("MOCK", f"http://127.0.0.1:{provider.server_address[1]}").replace(", model: m }", " }")
    with gateway(tmp_path, policy, CANARY_KEY=canary("key of a provider")) as info:
        caller, admin = Caller(info["gateway"], info["client_key"]), Caller(info["console"], info["admin_key"])
        for more in ("", "\u0007", "x" * 256):
            caller.send("POST", "/v1/chat/completions", {"model": f"open/{canary('model')}{more}", "messages": user("hi")})
        admin.send("POST", "/api/v1/keys", {"name": f"sp:{canary('name')}", "scope": "client"})
    log = b"".join(text for _, text in kept(tmp_path / "data/ledger"))
    # Neither one with control characters nor a long one.
    assert sorted(what for what, form in found(canary, log) if form == "plain") == ["model", "name"]
    assert sum(word.encode() in log for word, what in canary.given.items() if what == "model") == 1


def run_commands(canary, data_dir, variables):
    """What commands on the log say to others than who asked, and what they say about events."""
    told = b""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BARTIZAN_")}
    for words, text in [
        (["events", "--format", "json"], ""),
        (["audit", "verify"], ""),
        (["audit", "prove", "3"], ""),
        (["key", "list"], ""),
        (["doctor"], ""),
        (["check", "-"], f"{canary('checked text')} {BLOCKED} {MASKED}\n"),
        (["check", "-", "--format", "json"], f"{canary('checked text')} {FLAGGED}\n"),
    ]:
        run = subprocess.run(
            [binary("BARTIZAN_E2E_BIN"), *words, "-vv", *(["--data-dir", data_dir] if words[0] != "check" else [])],
            input=text.encode(), capture_output=True, env={**environment, **variables}, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        told += run.stderr + (b"" if words[0] == "check" else run.stdout)
    return told
