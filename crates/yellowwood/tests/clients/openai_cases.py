"""What applications do with the `openai` package."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import openai
import pydantic
from cases import PDF, PNG, SCHEMA, Target, collapsed, collector, fails, unique

CASES, case = collector("openai")

EMBEDDING = ("openai", "gemini")


def client(target: Target, **options: Any) -> openai.OpenAI:
    options = {"max_retries": 0, "timeout": 20, **options}
    return openai.OpenAI(base_url=target.base_url + "/v1", api_key=target.key, **options)


def ask(question: str = "What now?") -> list[Any]:
    return [{"role": "user", "content": question}]


def function(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "description": "Looks.", "parameters": SCHEMA}}


def flat_function(name: str) -> Any:
    return {"type": "function", "name": name, "description": "Looks.", "parameters": SCHEMA}


class Trip(pydantic.BaseModel):
    city: str
    days: int


class Plan(pydantic.BaseModel):
    trip: Trip
    is_final: bool


# -- chat completions


@case()
def models(target: Target) -> Any:
    found = client(target).models.list()
    assert found.data and all(m.object == "model" and m.id for m in found.data)
    return {"object": found.object}


@case()
def chat(target: Target) -> Any:
    reply = client(target).chat.completions.create(model=target.model("say:hello"), messages=ask())
    assert reply.choices[0].message.content == "hello" and reply.usage.completion_tokens > 0
    return reply


@case(ignores={"responses": ["stop"]})
def chat_mirror(target: Target) -> Any:
    """Everything that a conversation can hold reaches the model."""
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"city": "Oslo", "days": 2}'}}
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PNG}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64," + PDF}},
        ]},
        {"role": "assistant", "content": "I look.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a cat"},
        {"role": "user", "content": "And then?"},
    ]
    reply = client(target).chat.completions.create(
        model=target.model("mirror"), messages=messages, tools=[function("look")], max_completion_tokens=99,
        temperature=0.5, top_p=0.9, stop=["END"],
    )
    seen = json.loads(reply.choices[0].message.content)
    assert seen["messages"][-2:] == ["tool: a cat", "user: And then?"], seen
    return seen


def stream_of(target: Target, script: str, **options: Any) -> dict[str, Any]:
    """A chat as a stream, with its pieces put together as an application would."""
    text, refusal, finish, usages, calls, n_chunks = "", "", [], [], {}, 0
    stream = client(target).chat.completions.create(
        model=target.model(script), messages=ask(), stream=True, **options
    )
    ids = set()
    for chunk in stream:
        n_chunks += 1
        ids.add(chunk.id)
        if chunk.usage:
            assert not usages, "usage comes once, last"
            usages.append(chunk.usage)
        for choice in chunk.choices:
            assert not usages, "usage comes after all content"
            text += choice.delta.content or ""
            refusal += choice.delta.refusal or ""
            if choice.finish_reason:
                finish.append(choice.finish_reason)
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += piece.id or ""
                call["name"] += piece.function.name or ""
                call["arguments"] += piece.function.arguments or ""
    assert len(ids) == 1 and len(finish) == 1, (ids, finish)
    assert sorted(calls) == list(range(len(calls))), "indexes are dense"
    assert all(c["id"] for c in calls.values()) and len({c["id"] for c in calls.values()}) == len(calls)
    return {"text": text, "refusal": refusal, "finish": finish[0], "usage": usages, "calls": list(calls.values())}


@case()
def chat_stream(target: Target) -> Any:
    found = stream_of(target, "say:hello, this is a rather long sentence", stream_options={"include_usage": True})
    assert found["text"].startswith("hello, this") and found["usage"]
    return found


@case()
def chat_stream_without_usage(target: Target) -> Any:
    found = stream_of(target, "say:hello")
    assert not found["usage"], "usage comes on demand"
    return found


@case()
def chat_stream_helper(target: Target) -> Any:
    with client(target).chat.completions.stream(model=target.model("say:hello there"), messages=ask()) as stream:
        types = [event.type for event in stream]
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "hello there" and "content.done" in types
    return final


@case()
def chat_async(target: Target) -> Any:
    async def both() -> Any:
        async with openai.AsyncOpenAI(base_url=target.base_url + "/v1", api_key=target.key, max_retries=0) as asker:
            model = target.model("say:hello")
            whole = await asker.chat.completions.create(model=model, messages=ask())
            stream = await asker.chat.completions.create(model=model, messages=ask(), stream=True)
            text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
            return {"whole": whole, "text": text}

    found = asyncio.run(both())
    assert found["text"] == "hello"
    return found


@case()
def chat_raw_response(target: Target) -> Any:
    raw = client(target).chat.completions.with_raw_response.create(model=target.model("say:hello"), messages=ask())
    assert raw.headers["x-request-id"] and raw.parse().choices[0].message.content == "hello"
    return {"content_type": raw.headers["content-type"].split(";")[0]}


# Signed thoughts come with what a client has to give back.
DETAILS = "choices.*.message.reasoning_details"


@case(ignores={"anthropic": [DETAILS], "bedrock": [DETAILS, "usage.completion_tokens_details"]})
def chat_reasoning(target: Target) -> Any:
    reply = client(target).chat.completions.create(
        model=target.model("think+say:hello"), messages=ask(), reasoning_effort="low"
    )
    assert reply.choices[0].message.content == "hello"
    return reply


@case(ignores={"bedrock": ["usage.completion_tokens_details"]})
def chat_unknown_fields(target: Target) -> Any:
    return client(target).chat.completions.create(
        model=target.model("say:hello"), messages=ask(), extra_body={"not_known_to_anybody": {"x": 1}},
        extra_headers={"x-unknown": "1"}, user="somebody", metadata={"k": "v"},
    )


@case()
def chat_tool(target: Target) -> Any:
    reply = client(target).chat.completions.create(
        model=target.model("tools:1"), messages=ask(), tools=[function("look")]
    )
    assert reply.choices[0].finish_reason == "tool_calls"
    return reply


@case()
def chat_parallel_tools(target: Target) -> Any:
    reply = client(target).chat.completions.create(
        model=target.model("tools:3"), messages=ask(), tools=[function("look"), function("listen")]
    )
    assert [c.function.name for c in reply.choices[0].message.tool_calls] == ["look", "listen", "look"]
    return reply


@case()
def chat_parallel_tools_streamed(target: Target) -> Any:
    found = stream_of(target, "tools:3", tools=[function("look"), function("listen")],
                      stream_options={"include_usage": True})
    assert [c["name"] for c in found["calls"]] == ["look", "listen", "look"] and found["finish"] == "tool_calls"
    return found


@case()
def chat_tool_loop(target: Target) -> Any:
    asker, messages = client(target), ask()
    options: Any = {"model": target.model("tools:2"), "tools": [function("look")]}
    first = asker.chat.completions.create(messages=messages, **options).choices[0].message
    messages.append(first.model_dump(exclude_none=True))
    for idx, call in enumerate(first.tool_calls):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": f"result {idx}"})
    reply = asker.chat.completions.create(messages=messages, **options)
    assert reply.choices[0].message.content == "The tools say: result 0, result 1"
    return reply


@case()
def chat_tool_choice(target: Target) -> Any:
    tools = [function("look"), function("listen")]

    def chosen(choice: Any) -> Any:
        reply = client(target).chat.completions.create(
            model=target.model("any"), messages=ask(), tools=tools, tool_choice=choice
        )
        return [c.function.name for c in reply.choices[0].message.tool_calls or []]

    found = {
        "required": chosen("required"),
        "named": chosen({"type": "function", "function": {"name": "listen"}}),
        "auto": chosen("auto"),
        "none": chosen("none"),
    }
    assert found == {"required": ["look"], "named": ["listen"], "auto": [], "none": []}, found
    return found


@case()
def chat_parse(target: Target) -> Any:
    reply = client(target).chat.completions.parse(model=target.model("json"), messages=ask(), response_format=Plan)
    assert isinstance(reply.choices[0].message.parsed, Plan)
    return reply


@case()
def chat_parse_streamed(target: Target) -> Any:
    with client(target).chat.completions.stream(
        model=target.model("json"), messages=ask(), response_format=Plan
    ) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Plan)
    return final


@case()
def chat_parse_stopped(target: Target) -> Any:
    """The helper raises errors of its own for answers that were cut or filtered."""
    def parse(script: str) -> Any:
        return client(target).chat.completions.parse(
            model=target.model(script), messages=ask(), response_format=Trip
        )

    return {
        "length": fails(lambda: parse("length"), openai.LengthFinishReasonError),
        "filter": fails(lambda: parse("filter"), openai.ContentFilterFinishReasonError),
    }


@case()
def chat_finish_reasons(target: Target) -> Any:
    def finish(script: str) -> Any:
        reply = client(target).chat.completions.create(model=target.model(script), messages=ask())
        return reply.choices[0].finish_reason

    found = {script: finish(script) for script in ("say:a", "length", "filter", "stop:END")}
    assert found == {"say:a": "stop", "length": "length", "filter": "content_filter", "stop:END": "stop"}, found
    return found


# -- responses


@case()
def responses(target: Target) -> Any:
    reply = client(target).responses.create(
        model=target.model("say:hello"), input="What now?", instructions="Be brief.", max_output_tokens=50
    )
    assert reply.output_text == "hello" and reply.status == "completed"
    return {"text": reply.output_text, "output": reply.output, "usage": reply.usage, "status": reply.status}


@case()
def responses_mirror(target: Target) -> Any:
    items: list[Any] = [
        {"role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64," + PNG, "detail": "auto"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64," + PDF},
        ]},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": '{"city":"Oslo","days":2}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "a cat"},
        {"role": "user", "content": "And then?"},
    ]
    reply = client(target).responses.create(
        model=target.model("mirror"), input=items, instructions="Be brief.", tools=[flat_function("look")],
        max_output_tokens=99, temperature=0.5, store=False,
    )
    seen = json.loads(reply.output_text)
    assert seen["messages"][-1] == "user: And then?", seen
    return seen


def events_of(target: Target, script: str, **options: Any) -> dict[str, Any]:
    """A response as a stream of events, which must be numbered and end with the whole."""
    stream = client(target).responses.create(
        model=target.model(script), input="What now?", stream=True, **options
    )
    names, text, arguments, final = [], "", {}, None
    for number, event in enumerate(stream):
        assert event.sequence_number == number, f"event {number} has the number {event.sequence_number}"
        names.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.function_call_arguments.delta":
            arguments[event.output_index] = arguments.get(event.output_index, "") + event.delta
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            final = event.response
    assert final is not None and final.output_text == text
    whole = [item.arguments for item in final.output if item.type == "function_call"]
    assert list(arguments.values()) == whole, (arguments, whole)
    return {"names": collapsed(names), "text": text, "output": final.output, "usage": final.usage,
            "status": final.status}


@case()
def responses_streamed(target: Target) -> Any:
    found = events_of(target, "say:hello, this is a rather long sentence")
    assert found["names"][:3] == ["response.created", "response.in_progress", "response.output_item.added"]
    return found


@case()
def responses_parallel_tools_streamed(target: Target) -> Any:
    found = events_of(target, "tools:2", tools=[flat_function("look"), flat_function("listen")])
    assert [item.name for item in found["output"]] == ["look", "listen"]
    return found


@case(ignores={"bedrock": ["usage.output_tokens_details"]})
def responses_reasoning_streamed(target: Target) -> Any:
    found = events_of(target, "think+say:hello", reasoning={"effort": "low", "summary": "auto"})
    assert [item.type for item in found["output"]] == ["reasoning", "message"]
    return found


@case()
def responses_stream_helper(target: Target) -> Any:
    with client(target).responses.stream(model=target.model("json"), input="What now?", text_format=Plan) as stream:
        names = [event.type for event in stream]
        final = stream.get_final_response()
    assert isinstance(final.output_parsed, Plan)
    return {"names": collapsed(names), "output": final.output}


@case()
def responses_parse(target: Target) -> Any:
    reply = client(target).responses.parse(model=target.model("json"), input="What now?", text_format=Plan)
    assert isinstance(reply.output_parsed, Plan)
    return reply.output_parsed


@case()
def responses_tool_loop(target: Target) -> Any:
    asker = client(target)
    items: list[Any] = [{"role": "user", "content": "What now?"}]
    options: Any = {"model": target.model("tools:2"), "tools": [flat_function("look")]}
    first = asker.responses.create(input=items, **options)
    items += [item.model_dump(exclude_none=True) for item in first.output]
    for idx, call in enumerate(first.output):
        items.append({"type": "function_call_output", "call_id": call.call_id, "output": f"result {idx}"})
    reply = asker.responses.create(input=items, **options)
    assert reply.output_text == "The tools say: result 0, result 1"
    return reply.output


@case()
def responses_incomplete(target: Target) -> Any:
    reply = client(target).responses.create(model=target.model("length"), input="What now?")
    assert reply.status == "incomplete" and reply.incomplete_details.reason == "max_output_tokens"
    streamed = events_of(target, "length")
    assert streamed["names"][-1] == "response.incomplete"
    return {"whole": reply.incomplete_details, "streamed": streamed["status"]}


# -- embeddings


@case(upstreams=EMBEDDING)
def embeddings(target: Target) -> Any:
    """The client asks for packed numbers by itself and unpacks them."""
    reply = client(target).embeddings.create(model=target.model("embed"), input=["one", "two"])
    assert [len(d.embedding) for d in reply.data] == [8, 8] and reply.data[1].index == 1
    assert abs(sum(x * x for x in reply.data[0].embedding) - 1) < 1e-5
    return {"data": [[round(x, 5) for x in d.embedding] for d in reply.data], "usage": reply.usage}


@case(upstreams=EMBEDDING)
def embeddings_plain(target: Target) -> Any:
    reply = client(target).embeddings.create(
        model=target.model("embed"), input="one", encoding_format="float", dimensions=4
    )
    assert len(reply.data[0].embedding) == 4
    return {"data": [round(x, 5) for x in reply.data[0].embedding], "usage": reply.usage}


@case(upstreams=("openai",))
def embeddings_of_token_ids(target: Target) -> Any:
    reply = client(target).embeddings.create(model=target.model("embed"), input=[[1, 2, 3], [4]])
    assert len(reply.data) == 2 and reply.usage.prompt_tokens == 4
    return {"data": [[round(x, 5) for x in d.embedding] for d in reply.data], "usage": reply.usage}


# -- errors

ERRORS: dict[int, type[Exception]] = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    403: openai.PermissionDeniedError,
    404: openai.NotFoundError,
    409: openai.ConflictError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
}


@case(ignores={"responses": ["409.type"], "bedrock": ["409.type"]})
def errors(target: Target) -> Any:
    """Every class of error comes for its status."""
    def call(status: int) -> Any:
        return client(target).chat.completions.create(model=target.model(f"status:{status}"), messages=ask(unique()))

    return {str(status): fails(lambda: call(status), kind) for status, kind in ERRORS.items()}


@case()
def errors_of_streams(target: Target) -> Any:
    """A stream that cannot begin is an error status, as without a stream."""
    def call(status: int) -> Any:
        return list(client(target).chat.completions.create(
            model=target.model(f"status:{status}"), messages=ask(unique()), stream=True
        ))

    return {str(status): fails(lambda: call(status), ERRORS[status]) for status in (401, 429, 500)}


@case()
def errors_of_responses(target: Target) -> Any:
    def call(status: int) -> Any:
        return client(target).responses.create(model=target.model(f"status:{status}"), input=unique())

    return {str(status): fails(lambda: call(status), ERRORS[status]) for status in (400, 429, 500)}


@case()
def bad_requests(target: Target) -> Any:
    asker = client(target)

    def post(path: str, body: Any) -> Any:
        return asker.post(path, body=body, cast_to=object)

    model, bossy = target.model("say:x"), [{"role": "boss", "content": "x"}]
    return {
        "no messages": fails(lambda: post("/chat/completions", {"model": model}), openai.BadRequestError),
        "no role": fails(lambda: post("/chat/completions", {"model": model, "messages": bossy}), openai.BadRequestError),
        "no input": fails(lambda: post("/responses", {"model": model}), openai.BadRequestError),
        "no path": fails(lambda: post("/nothing", {}), openai.NotFoundError),
    }


@case()
def retry_after(target: Target) -> Any:
    """The header reaches an application that does not retry, and slows down one that does."""
    def limited(**options: Any) -> Any:
        return client(target, **options).chat.completions.create(
            model=target.model("status:429:1"), messages=ask(unique())
        )

    found = fails(limited, openai.RateLimitError)
    assert found["retry_after"] >= 1
    began = time.monotonic()
    fails(lambda: limited(max_retries=1), openai.RateLimitError)
    assert time.monotonic() - began >= 0.95, "the client waits as long as it is told"
    return found


@case()
def retries(target: Target) -> Any:
    """What passes passes: the client, or the gateway before it, tries again."""
    def flaky(status: int) -> Any:
        reply = client(target, max_retries=3).chat.completions.create(
            model=target.model(f"say:well+flaky:{status}:1"), messages=ask(unique())
        )
        return reply.choices[0].message.content

    found = {str(status): flaky(status) for status in (429, 500, 503)}
    assert set(found.values()) == {"well"}
    return found


@case()
def timeouts(target: Target) -> Any:
    def call(script: str, stream: bool) -> Any:
        reply = client(target, timeout=0.4).chat.completions.create(
            model=target.model(script), messages=ask(unique()), stream=stream
        )
        return list(reply) if stream else reply

    return {
        "slow": fails(lambda: call("slow:3000", False), openai.APITimeoutError),
        "hang": fails(lambda: call("hang", True), openai.APITimeoutError),
        "stall": type_of_failure(lambda: call("say:one two three four+stall:1:3000", True)),
    }


def type_of_failure(call: Any) -> str:
    """That reading a stream failed; clients raise their transport's own error in the middle of one."""
    try:
        call()
    except Exception:  # whatever it is
        return "failed"
    raise AssertionError("expected a failure")


@case()
def stream_fails_midway(target: Target) -> Any:
    """What had come is there, then an error is raised."""
    def read(script: str) -> Any:
        text = ""
        stream = client(target).chat.completions.create(
            model=target.model(f"say:one two three four five+{script}"), messages=ask(unique()), stream=True
        )
        try:
            for chunk in stream:
                text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        except openai.APIError as error:
            return {"text": text, "class": type(error).__name__}
        except Exception:  # the transport's own
            return {"text": text, "class": "transport"}
        raise AssertionError("expected a failure")

    error, cut = read("error:2"), read("cut:2")
    assert error == {"text": "one two three fo", "class": "APIError"}, error
    assert cut["text"] == "one two three fo", cut
    # A gateway says what happened where the connection itself just ends.
    return {"error": error, "cut": cut["text"]}


@case(ignores={d: ["noend"] for d in ("responses", "anthropic", "gemini", "bedrock")})
def odd_transfers(target: Target) -> Any:
    """What is unusual but right makes no difference."""
    def read(script: str) -> Any:
        found = stream_of(target, f"say:one two three four+{script}", stream_options={"include_usage": True})
        assert found["text"] == "one two three four", (script, found)
        return found["usage"]

    scripts = ["split:1", "split:7", "odd", "event:100000", "huge:100000", "pace:5"]
    # Of the other dialects an end that does not come is an answer that is cut, and the gateway says so.
    if target.upstream in (None, "openai"):
        scripts.append("noend")
    return {script: bool(read(script)) for script in scripts}
