"""Cases and what they run against."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any, Callable

DIALECTS = ("openai", "responses", "anthropic", "gemini", "bedrock")

# A picture of one pixel, and a document of one page that is none.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


@dataclass
class Target:
    """Where a case runs, and how a model is called there."""

    base_url: str
    key: str
    prefix: str = ""
    # The dialect that serves it; none where the client's own does.
    upstream: str | None = None

    def model(self, script: str) -> str:
        return self.prefix + script


@dataclass
class Case:
    """One thing that a client does."""

    name: str
    run: Callable[[Target], Any]
    # The upstream dialects that can do it.
    upstreams: tuple[str, ...] = DIALECTS
    # Paths of the result that an upstream dialect cannot have alike.
    ignores: dict[str, list[str]] = field(default_factory=dict)


def collector(client: str) -> tuple[list[Case], Callable[..., Any]]:
    """A list of cases and the decorator that fills it; their names begin with the client's."""
    cases: list[Case] = []

    def case(upstreams: tuple[str, ...] = DIALECTS, ignores: dict[str, list[str]] | None = None) -> Any:
        def add(run: Callable[[Target], Any]) -> Callable[[Target], Any]:
            cases.append(Case(f"{client}.{run.__name__}", run, upstreams, ignores or {}))
            return run

        return add

    return cases, case


_numbers = itertools.count(time.time_ns())


def unique() -> str:
    """A question that was never asked: retries of one body count up at the scripted server."""
    return f"question {next(_numbers)}"


def collapsed(names: list[str]) -> list[str]:
    """The names with repetitions in a row counted once: how finely content is cut is nobody's promise."""
    return [name for name, _ in itertools.groupby(names)]


def failure(error: Exception) -> dict[str, Any]:
    """What an application can tell about an error. Words are left out: a gateway may say more."""
    seen: dict[str, Any] = {"class": type(error).__name__}
    status = getattr(error, "status_code", None)
    if status is not None:
        seen["status"] = status
        response = getattr(error, "response")
        seen["has_request_id"] = any(h in response.headers for h in ("x-request-id", "request-id"))
        if "retry-after" in response.headers:
            seen["retry_after"] = float(response.headers["retry-after"])
    kind = getattr(error, "type", None)
    if kind is not None:
        seen["type"] = kind
    return seen


def fails(call: Callable[[], Any], *expected: type[Exception]) -> dict[str, Any]:
    """Calls what must fail with one of these errors."""
    try:
        result = call()
    except expected as error:
        return failure(error)
    raise AssertionError(f"expected {[e.__name__ for e in expected]}, got {result!r}")
