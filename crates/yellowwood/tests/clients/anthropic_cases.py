"""What applications do with the `anthropic` package."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import anthropic
import pydantic
from cases import PDF, PNG, SCHEMA, Target, collapsed, collector, fails, unique

CASES, case = collector("anthropic")


def client(target: Target, **options: Any) -> anthropic.Anthropic:
    options = {"max_retries": 0, "timeout": 20, **options}
    return anthropic.Anthropic(base_url=target.base_url, api_key=target.key, **options)


def ask(question: str = "What now?") -> list[Any]:
    return [{"role": "user", "content": question}]


def create(target: Target, script: str, **options: Any) -> anthropic.types.Message:
    options = {"messages": ask(), "max_tokens": 2000, **options}
    return client(target).messages.create(model=target.model(script), **options)


def tool(name: str) -> Any:
    return {"name": name, "description": "Looks.", "input_schema": SCHEMA}


class Trip(pydantic.BaseModel):
    city: str
    days: int


class Plan(pydantic.BaseModel):
    trip: Trip
    is_final: bool


THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
# Only Anthropic and Bedrock say how long what was cached is kept.
KEPT = ["usage.cache_creation"]


@case()
def models(target: Target) -> Any:
    found = client(target).models.list()
    assert found.data and all(m.type == "model" and m.id for m in found.data)
    return {"has_more": found.has_more}


@case(ignores={d: KEPT for d in ("openai", "responses", "gemini", "bedrock")})
def messages(target: Target) -> Any:
    reply = create(target, "say:hello")
    assert reply.content[0].text == "hello" and reply.stop_reason == "end_turn"
    return reply


@case(ignores={"responses": ["stop"]})
def mirror(target: Target) -> Any:
    """Everything that a conversation can hold reaches the model."""
    conversation: list[Any] = [
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
        ]},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"city": "Oslo", "days": 2}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a cat"},
            {"type": "text", "text": "And then?"},
        ]},
    ]
    reply = create(
        target, "mirror", messages=conversation, system=[{"type": "text", "text": "Be brief."}], tools=[tool("look")],
        max_tokens=99, stop_sequences=["END"], extra_body={"temperature": 0.5, "top_p": 0.9},
    )
    seen = json.loads(reply.content[0].text)
    assert seen["messages"][-2:] == ["tool: a cat", "user: And then?"], seen
    return seen


@case(ignores={d: KEPT for d in ("openai", "responses", "gemini", "bedrock")})
def messages_async(target: Target) -> Any:
    async def both() -> Any:
        async with anthropic.AsyncAnthropic(base_url=target.base_url, api_key=target.key, max_retries=0) as asker:
            options: Any = {"model": target.model("say:hello"), "messages": ask(), "max_tokens": 50}
            whole = await asker.messages.create(**options)
            async with asker.messages.stream(**options) as stream:
                text = "".join([piece async for piece in stream.text_stream])
            return {"text": text, **whole.model_dump()}

    found = asyncio.run(both())
    assert found["text"] == "hello"
    return found


def events_of(target: Target, script: str, **options: Any) -> dict[str, Any]:
    """A message as a stream of raw events, which must come in their order."""
    options = {"messages": ask(), "max_tokens": 2000, **options}
    names, blocks, n_stops = [], [], 0
    start: Any = None
    end: Any = None
    for event in client(target).messages.create(model=target.model(script), stream=True, **options):
        if event.type != "ping":
            names.append(event.type)
        if event.type == "message_start":
            start = event.message
            assert start.content == [] and start.stop_reason is None
        elif event.type == "content_block_start":
            assert event.index == len(blocks) and n_stops == len(blocks), "one block after the other"
            blocks.append({"type": event.content_block.type, "text": "", "signed": False,
                           "name": getattr(event.content_block, "name", None)})
        elif event.type == "content_block_delta":
            block, delta = blocks[event.index], event.delta
            field = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
            if delta.type == "signature_delta":
                block["signed"] = bool(delta.signature)
            else:
                block["text"] += getattr(delta, field[delta.type])
        elif event.type == "content_block_stop":
            n_stops += 1
        elif event.type == "message_delta":
            end = event
    assert names[0] == "message_start" and names[-1] == "message_stop" and n_stops == len(blocks)
    return {"names": collapsed([n for n in names if n != "content_block_delta"]), "blocks": blocks,
            "stop_reason": end.delta.stop_reason, "output_tokens": end.usage.output_tokens,
            "input_tokens": start.usage.input_tokens}


# Only Anthropic knows what was read before anything is written.
LATE_INPUT = {d: ["input_tokens"] for d in ("openai", "responses", "gemini", "bedrock")}


@case(ignores=LATE_INPUT)
def streamed(target: Target) -> Any:
    found = events_of(target, "say:hello, this is a rather long sentence")
    assert found["blocks"][0]["text"] == "hello, this is a rather long sentence"
    return found


@case(ignores={d: KEPT for d in ("openai", "responses", "gemini", "bedrock")})
def stream_helper(target: Target) -> Any:
    with client(target).messages.stream(
        model=target.model("say:hello there"), messages=ask(), max_tokens=50
    ) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "hello there" == final.content[0].text
    return final


# Reasoning is signed by some providers only.
UNSIGNED = {d: ["signed", "blocks.*.signed", "input_tokens"] for d in ("openai", "responses", "gemini")}


@case(ignores={**UNSIGNED, "bedrock": ["input_tokens"]})
def thinking_streamed_with_tools(target: Target) -> Any:
    found = events_of(target, "think+tools:2", thinking=THINKING, tools=[tool("look"), tool("listen")])
    assert [b["type"] for b in found["blocks"]] == ["thinking", "tool_use", "tool_use"]
    assert [b["name"] for b in found["blocks"]] == [None, "look", "listen"]
    assert all(json.loads(b["text"]) for b in found["blocks"][1:]) and found["stop_reason"] == "tool_use"
    return found


@case(ignores=UNSIGNED)
def thinking(target: Target) -> Any:
    reply = create(target, "think+say:hello", thinking=THINKING)
    assert [b.type for b in reply.content] == ["thinking", "text"]
    return {"thinking": reply.content[0].thinking, "signed": bool(reply.content[0].signature),
            "text": reply.content[1].text}


@case()
def thinking_goes_back(target: Target) -> Any:
    """A turn that was thought about is part of the next question, as tools demand it."""
    asker, conversation = client(target), ask()
    options: Any = {"max_tokens": 2000, "thinking": THINKING, "tools": [tool("look")]}
    first = asker.messages.create(model=target.model("think+tools:2"), messages=conversation, **options)
    conversation.append({"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in first.content]})
    calls = [b for b in first.content if b.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": f"result {i}"} for i, c in enumerate(calls)]
    conversation.append({"role": "user", "content": results})
    reply = asker.messages.create(model=target.model("tools:2"), messages=conversation, **options)
    assert reply.content[-1].text == "The tools say: result 0, result 1"
    return {"text": reply.content[-1].text, "calls": [c.input for c in calls]}


@case(ignores={d: KEPT for d in ("openai", "responses", "gemini", "bedrock")})
def parallel_tools(target: Target) -> Any:
    reply = create(target, "tools:3", tools=[tool("look"), tool("listen")])
    assert [b.name for b in reply.content] == ["look", "listen", "look"] and reply.stop_reason == "tool_use"
    assert len({b.id for b in reply.content}) == 3
    return reply


@case()
def tool_choice(target: Target) -> Any:
    tools = [tool("look"), tool("listen")]

    def chosen(choice: Any) -> Any:
        reply = create(target, "any", tools=tools, tool_choice=choice)
        return [b.name for b in reply.content if b.type == "tool_use"]

    found = {
        "any": chosen({"type": "any"}),
        "tool": chosen({"type": "tool", "name": "listen"}),
        "auto": chosen({"type": "auto"}),
        "none": chosen({"type": "none"}),
    }
    assert found == {"any": ["look"], "tool": ["listen"], "auto": [], "none": []}, found
    return found


@case()
def parse(target: Target) -> Any:
    reply = client(target).messages.parse(
        model=target.model("json"), messages=ask(), max_tokens=500, output_format=Plan
    )
    assert isinstance(reply.parsed_output, Plan)
    return reply.parsed_output


@case()
def parse_streamed(target: Target) -> Any:
    with client(target).messages.stream(
        model=target.model("json"), messages=ask(), max_tokens=500, output_format=Plan
    ) as stream:
        final = stream.get_final_message()
    assert isinstance(final.parsed_output, Plan)
    return final.parsed_output


@case(ignores={"openai": ["stop:END"], "responses": ["stop:END"], "gemini": ["stop:END"]})
def stop_reasons(target: Target) -> Any:
    def stop(script: str) -> Any:
        return create(target, script).stop_reason

    found = {script: stop(script) for script in ("say:a", "length", "refuse", "stop:END")}
    assert found["length"] == "max_tokens" and found["refuse"] == "refusal", found
    return found


@case(upstreams=("anthropic",))
def usage_of_every_kind(target: Target) -> Any:
    reply = create(target, "usage")
    usage = reply.usage
    assert usage.cache_read_input_tokens and usage.cache_creation.ephemeral_1h_input_tokens
    return usage


@case(upstreams=("anthropic",))
def token_count(target: Target) -> Any:
    found = client(target).messages.count_tokens(
        model=target.model("any"), messages=ask("a question of some length"), system="Be brief.", tools=[tool("look")]
    )
    assert found.input_tokens > 10
    return found


@case()
def token_count_anywhere(target: Target) -> Any:
    """Every upstream counts somehow."""
    found = client(target).messages.count_tokens(model=target.model("any"), messages=ask())
    assert found.input_tokens > 0
    return {"counted": True}


# -- errors

ERRORS: dict[int, type[Exception]] = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    413: anthropic.APIStatusError,
    422: anthropic.APIStatusError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    529: anthropic.APIStatusError,
}


@case(ignores={d: ["529"] for d in ("openai", "responses", "gemini", "bedrock")})
def errors(target: Target) -> Any:
    """Every class of error comes for its status."""
    def call(status: int) -> Any:
        return create(target, f"status:{status}", messages=ask(unique()))

    return {str(status): fails(lambda: call(status), kind) for status, kind in ERRORS.items()}


@case()
def errors_of_streams(target: Target) -> Any:
    def call(status: int) -> Any:
        return list(create(target, f"status:{status}", messages=ask(unique()), stream=True))

    return {str(status): fails(lambda: call(status), ERRORS[status]) for status in (401, 429, 500)}


@case()
def bad_requests(target: Target) -> Any:
    asker, model, bossy = client(target), target.model("say:x"), [{"role": "boss", "content": "x"}]

    def post(body: Any) -> Any:
        return asker.post("/v1/messages", body=body, cast_to=object)

    wrong = anthropic.BadRequestError
    return {
        "no limit": fails(lambda: post({"model": model, "messages": ask()}), wrong),
        "no messages": fails(lambda: post({"model": model, "max_tokens": 5}), wrong),
        "no role": fails(lambda: post({"model": model, "max_tokens": 5, "messages": bossy}), wrong),
    }


@case()
def retry_after(target: Target) -> Any:
    def limited(**options: Any) -> Any:
        return client(target, **options).messages.create(
            model=target.model("status:429:1"), messages=ask(unique()), max_tokens=5
        )

    found = fails(limited, anthropic.RateLimitError)
    assert found["retry_after"] >= 1
    began = time.monotonic()
    fails(lambda: limited(max_retries=1), anthropic.RateLimitError)
    assert time.monotonic() - began >= 0.95, "the client waits as long as it is told"
    return found


@case()
def retries(target: Target) -> Any:
    def flaky(status: int) -> Any:
        reply = client(target, max_retries=3).messages.create(
            model=target.model(f"say:well+flaky:{status}:1"), messages=ask(unique()), max_tokens=5
        )
        return reply.content[0].text

    found = {str(status): flaky(status) for status in (429, 500, 529)}
    assert set(found.values()) == {"well"}
    return found


@case()
def timeouts(target: Target) -> Any:
    def call(script: str) -> Any:
        return client(target, timeout=0.4).messages.create(
            model=target.model(script), messages=ask(unique()), max_tokens=5
        )

    return {
        "slow": fails(lambda: call("slow:3000"), anthropic.APITimeoutError),
        "hang": fails(lambda: call("hang"), anthropic.APITimeoutError),
    }


@case()
def stream_fails_midway(target: Target) -> Any:
    """What had come is there, then an error is raised."""
    def read(script: str) -> Any:
        text = ""
        stream = create(target, f"say:one two three four five+{script}", messages=ask(unique()), stream=True)
        try:
            for event in stream:
                if event.type == "content_block_delta":
                    text += event.delta.text
        except anthropic.APIStatusError as error:
            return {"text": text, "class": type(error).__name__, "type": error.body["error"]["type"]}
        except Exception:  # the transport's own
            return {"text": text, "class": "transport"}
        raise AssertionError("expected a failure")

    error, cut = read("error:2"), read("cut:2")
    assert error["text"] == "one two three fo" and error["type"] == "api_error", error
    assert cut["text"] == "one two three fo", cut
    return {"error": error, "cut": cut["text"]}


@case()
def odd_transfers(target: Target) -> Any:
    """What is unusual but right makes no difference."""
    def read(script: str) -> Any:
        found = events_of(target, f"say:one two three four+{script}")
        return found["blocks"][0]["text"]

    scripts = ("split:1", "split:7", "odd", "event:100000", "huge:100000", "pace:5")
    found = {script: read(script) for script in scripts}
    assert set(found.values()) == {"one two three four"}, found
    return found
