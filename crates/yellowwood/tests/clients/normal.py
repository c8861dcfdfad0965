"""What two runs of one case must have in common."""

from __future__ import annotations

import json
from typing import Any

# Made anew for each reply, or the provider's own.
DROPPED = {
    "id", "created", "created_at", "completed_at", "system_fingerprint", "service_tier", "signature", "item_id",
    "call_id", "tool_call_id", "tool_use_id", "model", "encrypted_content", "obfuscation", "_request_id",
    "inference_geo", "speed",
}


def normal(value: Any) -> Any:
    """The value as plain JSON without what differs between any two replies, and without nulls, empty lists and
    counts of no tokens."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json", by_alias=True, warnings=False)
    if isinstance(value, dict):
        pairs = {str(k): normal(v) for k, v in value.items() if k not in DROPPED}
        return {k: v for k, v in pairs.items() if v not in (None, [], {}) and not (k.endswith("_tokens") and v == 0)}
    if isinstance(value, (list, tuple)):
        return [normal(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def without(value: Any, paths: list[str]) -> Any:
    """A copy without what stands at these dotted paths; `*` is any item of a list or any key."""
    value = json.loads(json.dumps(value))
    for path in paths:
        _remove(value, path.split("."))
    return value


def _remove(value: Any, path: list[str]) -> None:
    head, *rest = path
    if isinstance(value, list) and (head == "*" or head.isdigit()):
        for item in value if head == "*" else value[int(head):int(head) + 1]:
            if rest:
                _remove(item, rest)
    elif isinstance(value, dict):
        for key in list(value) if head == "*" else [head]:
            if key in value and rest:
                _remove(value[key], rest)
            elif key in value:
                del value[key]


def differences(left: Any, right: Any, at: str = "") -> list[str]:
    """Where two values differ, a line each."""
    if type(left) is type(right) and isinstance(left, dict):
        lines = []
        for key in dict.fromkeys([*left, *right]):
            place = f"{at}.{key}" if at else key
            if key not in left:
                lines.append(f"{place}: only through: {right[key]!r}")
            elif key not in right:
                lines.append(f"{place}: only straight: {left[key]!r}")
            else:
                lines += differences(left[key], right[key], place)
        return lines
    if type(left) is type(right) and isinstance(left, list) and len(left) == len(right):
        return [line for idx, pair in enumerate(zip(left, right)) for line in differences(*pair, f"{at}[{idx}]")]
    return [] if left == right else [f"{at}: {left!r} straight, {right!r} through"]
