"""The Databricks SDK: `query` on an endpoint, and its OpenAI client."""

import json
import time
import urllib.error
import urllib.request

import openai
import pytest
from conftest import PROVIDER_KEY, assert_whole_seconds, user
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound, PermissionDenied, Unauthenticated
from databricks.sdk.service.serving import ChatMessage, ChatMessageRole

GUARDED = ["bricks", "demo", "mock"]


def query(client, name, text):
    messages = [ChatMessage(role=ChatMessageRole.USER, content=text)]
    return client.serving_endpoints.query(name=name, messages=messages)


@pytest.fixture(scope="session")
def chat_client(databricks_client):
    client = databricks_client.serving_endpoints.get_open_ai_client()
    return client.with_options(max_retries=0, timeout=20)


@pytest.mark.parametrize("name", GUARDED)
def test_query_answers(databricks_client, name):
    answer = query(databricks_client, name, "repeat after me: hello there")
    assert answer.choices[0].message.content == "hello there"
    assert answer.usage.total_tokens > 0


def test_the_client_starts_without_a_warning(bartizan, caplog):
    config = {"host": bartizan["gateway"], "token": bartizan["client_key"], "auth_type": "pat"}
    with caplog.at_level("WARNING"):
        WorkspaceClient(**config)
    assert not caplog.records


def test_query_names_the_served_model(databricks_client):
    assert query(databricks_client, "bricks", "hi").served_model_name


def test_query_embeds(databricks_client, mock):
    answer = databricks_client.serving_endpoints.query(name="bricks", input=["one", "mail bob@example.com"])
    assert len(answer.data) == 2
    assert "bob@example.com" not in mock.requests()[0]["body"]


def test_the_provider_gets_its_own_token(databricks_client, bartizan, mock):
    query(databricks_client, "bricks", "hi")
    request = mock.requests()[0]
    assert request["path"] == "/serving-endpoints/mock-served/invocations"
    assert request["headers"]["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert bartizan["client_key"] not in json.dumps(request)


def test_query_masks_and_restores(databricks_client, mock):
    answer = query(databricks_client, "bricks", "repeat after me: mail bob@example.com")
    assert answer.choices[0].message.content == "mail bob@example.com"
    assert "bob@example.com" not in mock.requests()[0]["body"]


def test_a_bad_prompt_is_blocked_in_the_vendors_words(databricks_client, mock):
    with pytest.raises(BadRequest) as caught:
        query(databricks_client, "bricks", "heliotrope")
    message = json.loads(str(caught.value))
    assert message["finishReason"] == "input_guardrail_triggered"
    assert "heliotrope" not in str(caught.value)
    assert mock.requests() == []


def test_a_bad_answer_is_blocked_in_the_vendors_words(databricks_client):
    with pytest.raises(BadRequest) as caught:
        query(databricks_client, "bricks", "repeat after me: vermilion")
    assert json.loads(str(caught.value))["finishReason"] == "output_guardrail_triggered"
    assert "vermilion" not in str(caught.value)


def test_an_unknown_endpoint_is_not_found(databricks_client):
    with pytest.raises(NotFound):
        query(databricks_client, "no-such-endpoint", "hi")


def test_a_wrong_token_is_refused(bartizan):
    from databricks.sdk import WorkspaceClient

    client = WorkspaceClient(host=bartizan["gateway"], token="no-such-key", auth_type="pat")
    with pytest.raises((Unauthenticated, PermissionDenied)):
        query(client, "bricks", "hi")


def test_a_provider_error_is_an_error(databricks_client):
    with pytest.raises((DatabricksError, TimeoutError)):
        query(databricks_client, "bricks", "fail with 500")


def test_the_client_waits_as_long_as_a_limit_says(databricks_client):
    began = time.monotonic()
    for _ in range(3):
        answer = query(databricks_client, "brisk-databricks", "repeat after me: fine")
        assert answer.choices[0].message.content == "fine"
    # Windows begin with their first request, so the third waits for at least one whole second.
    assert time.monotonic() - began > 1


def test_limits_are_said_in_the_vendors_words(bartizan):
    # Not through the SDK: it sleeps for as long as `Retry-After` says.
    request = urllib.request.Request(
        bartizan["gateway"] + "/serving-endpoints/limited-databricks/invocations",
        data=json.dumps({"messages": user("hi")}).encode(),
        headers={"authorization": "Bearer " + bartizan["client_key"], "content-type": "application/json"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        for _ in range(3):
            urllib.request.urlopen(request, timeout=20).close()
    assert caught.value.code == 429
    assert_whole_seconds(caught.value.headers)
    assert json.load(caught.value)["error_code"] == "REQUEST_LIMIT_EXCEEDED"


@pytest.mark.parametrize("name", GUARDED)
def test_the_openai_client_answers_and_streams(chat_client, name):
    ask = {"model": name, "messages": user("repeat after me: hello there")}
    assert chat_client.chat.completions.create(**ask).choices[0].message.content == "hello there"
    chunks = chat_client.chat.completions.create(**ask, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "hello there"


def test_the_openai_client_calls_a_tool(chat_client):
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    answer = chat_client.chat.completions.create(
        model="bricks", messages=user('call look with {"city": "Paris"}'), tools=[tool]
    )
    call = answer.choices[0].message.tool_calls[0].function
    assert (call.name, json.loads(call.arguments)) == ("look", {"city": "Paris"})


def test_the_openai_client_is_blocked_and_masked(chat_client, mock):
    with pytest.raises(openai.BadRequestError):
        chat_client.chat.completions.create(model="bricks", messages=user("heliotrope"))
    answer = chat_client.chat.completions.create(
        model="bricks", messages=user("repeat after me: mail bob@example.com")
    )
    assert answer.choices[0].message.content == "mail bob@example.com"
    assert "bob@example.com" not in json.dumps(mock.requests())


def test_the_openai_client_embeds(chat_client):
    assert len(chat_client.embeddings.create(model="bricks", input="one").data) == 1
