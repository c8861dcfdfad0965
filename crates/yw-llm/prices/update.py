#!/usr/bin/env python3
"""Writes prices.toml from the Python package genai-prices (MIT licence, see LICENSE-genai-prices beside this file).

    python3 -m venv /tmp/prices && /tmp/prices/bin/pip install genai-prices
    /tmp/prices/bin/python crates/yw-llm/prices/update.py

Review the difference before you commit it. What the package knows and our format does not is resolved upwards, so that a
budget is never passed: prices that depend on the hour become the dearest hour's, several tiers become the first threshold
at the dearest tier's price, and more than six decimals are rounded up.
"""

import datetime
import decimal
import importlib.metadata
import json
import pathlib
import re

from genai_prices import data, types

PROVIDERS = {
    "anthropic": "anthropic",
    "bedrock": "aws",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "together": "together",
    "vertex": "google",
    "xai": "x-ai",
}
# What stands before a model's name at Amazon where a group of regions answers.
BEDROCK_REGIONS = ["apac", "au", "ca", "eu", "jp", "us"]
# Of the hundreds of models that OpenRouter resells, those of the companies whose models people compare.
OPENROUTER_VENDORS = """amazon anthropic cohere deepseek google meta meta-llama microsoft minimax mistralai moonshotai
    nvidia openai qwen x-ai z-ai""".split()
OUR_NAMES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_hour": "cache_write_1h_mtok",
    "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok",
    "image_input": "input_image_mtok",
}
# Models that neither chat nor embed, or are billed by other things too.
NOT_CHAT = re.compile("tts|transcribe|whisper|realtime|live|sonic|native-audio|image|moderation|ocr|computer-use|-$")
OTHER_UNITS = ["output_image_mtok", "output_reasoning_mtok"]
TODAY = datetime.datetime.now(datetime.timezone.utc)


def main():
    here = pathlib.Path(__file__).parent
    known = {provider.id: provider for provider in data.providers}
    lines = [
        "# Dollars per million tokens. Written by update.py; corrections belong there or in the project file.",
        "# The figures come from genai-prices, Copyright (c) Pydantic Services Inc., MIT licence: LICENSE-genai-prices.",
        "# `also`: other names of the model. `dated`: a date may follow any of its names. `long`: calls that read more than",
        "# `above` tokens cost this instead.",
        f'date = "{TODAY.date()}"',
        f'source = "genai-prices {importlib.metadata.version("genai-prices")}"',
    ]
    for ours, theirs in PROVIDERS.items():
        rows = dict(row for model in known[theirs].models if (row := convert(ours, model)))
        lines += ["", f"[provider.{ours}]", f"source = {json.dumps(known[theirs].pricing_urls[0])}"]
        lines += ["", f"[provider.{ours}.model]"]
        lines += [f"{json.dumps(name)} = {{ {fields} }}" for name, fields in sorted(rows.items())]
    (here / "prices.toml").write_text("\n".join(lines) + "\n")


def convert(provider, model):
    """One row: the model's name and its fields; None if it is no model of today that chats or embeds."""
    if model.deprecated or ":batch" in model.id or NOT_CHAT.search(model.id):
        return None
    if provider == "openrouter" and model.id.split("/")[0] not in OPENROUTER_VENDORS:
        return None
    if provider == "gemini" and model.id.startswith("claude"):
        return None
    candidates = [dict(price) for price in current_prices(model)]
    for price in candidates:
        # What embeds writes nothing.
        if "embed" in model.id and price.get("output_mtok") is None:
            price["output_mtok"] = decimal.Decimal(0)
    if any(price.get(unit) is not None for price in candidates for unit in OTHER_UNITS):
        return None
    if any(price.get("input_mtok") is None or price.get("output_mtok") is None for price in candidates):
        return None
    base, long = {}, {}
    threshold = None
    for ours, theirs in OUR_NAMES.items():
        values = [price[theirs] for price in candidates if price.get(theirs) is not None]
        if not values:
            continue
        base[ours] = max(value.base if isinstance(value, types.TieredPrices) else value for value in values)
        long[ours] = max(dearest(value) for value in values)
        starts = [tier.start for value in values if isinstance(value, types.TieredPrices) for tier in value.tiers]
        threshold = min([*starts, *([threshold] if threshold is not None else [])], default=None)
    fields = prices(base)
    if threshold is not None:
        fields += f", long = {{ above = {threshold}, {prices(long)} }}"
    name, also, dated = names(model, provider)
    if dated:
        fields += ", dated = true"
    if also:
        fields += f", also = {json.dumps(also)}"
    return name, fields


def current_prices(model):
    """The prices in force today, as dictionaries; several if they depend on the hour."""
    if not isinstance(model.prices, list):
        return [vars(model.prices)]
    whole_day = {}
    by_hour = []
    for conditional in model.prices:
        constraint = conditional.constraint
        if isinstance(constraint, types.TimeOfDateConstraint):
            by_hour.append(vars(conditional.prices))
        elif constraint is None or constraint.active(TODAY):
            whole_day = vars(conditional.prices)
    return [whole_day, *by_hour]


def dearest(value):
    return max([value.base, *(tier.price for tier in value.tiers)]) if isinstance(value, types.TieredPrices) else value


def prices(values):
    return ", ".join(f"{name} = {number(value)}" for name, value in values.items())


def number(value):
    rounded = value.quantize(decimal.Decimal("0.000001"), rounding=decimal.ROUND_CEILING).normalize()
    return format(rounded, "f")


def names(model, provider):
    """The model's name, its other names, and whether a date may follow them, all by the package's own matcher."""
    stem = re.sub(r"-latest$", "", model.id)
    candidates = [stem, model.id, f"{stem}-latest", *leaves(model.match)]
    if provider == "bedrock":
        # Our look-up takes a region off the name, so regions are told only where the name is nothing without.
        bare = model.id.removeprefix("regional.")
        candidates = [bare] if model.match.is_match(bare) else [f"{region}.{bare}" for region in BEDROCK_REGIONS]
        # The package's matcher takes the suffix or leaves it; so does Amazon for some models.
        candidates += [name.removesuffix("-v1:0") for name in candidates]
    found = {name for name in candidates if model.match.is_match(name)}
    found = {name for name in found if not re.search(r"[\s@]|[-.:]$", name)}
    dated = any(model.match.is_match(stem + end) for end in ["-20990101", "-2099-01-01", "-2512"])
    name = stem if stem in found else min(found, default=model.id, key=lambda name: (len(name), name))
    return name, sorted(found - {name}), dated


def leaves(clause):
    if isinstance(clause, types.ClauseOr):
        return [leaf for part in clause.or_ for leaf in leaves(part)]
    if isinstance(clause, types.ClauseEquals):
        return [clause.equals]
    if isinstance(clause, types.ClauseStartsWith):
        return [clause.starts_with.rstrip("-")]
    return []


if __name__ == "__main__":
    main()
