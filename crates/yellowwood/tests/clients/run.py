"""Runs the official clients straight against the scripted provider and through the gateway, and compares."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import anthropic_cases
import openai_cases
from cases import DIALECTS, Case, Target
from normal import differences, normal, without


def main() -> int:
    options = arguments()
    cases = [c for c in openai_cases.CASES + anthropic_cases.CASES if options.only in c.name]
    with scripted_server(options.server) as started:
        straight = Target(options.straight or started, options.straight_key)
        columns = [("straight", straight)]
        with gateway(options.gateway, straight.base_url) as (address, key):
            through, key = (address, key) if address else (options.through, options.key)
            upstreams = [(d, f"{d}/") for d in DIALECTS] if address else options.upstream
            columns += [(name, Target(through, key, prefix, name)) for name, prefix in upstreams]
            results = outcomes(cases, columns, options.jobs)
    complaints = report(cases, [name for name, _ in columns], results, options.verbose)
    if options.json:
        with open(options.json, "w") as file:
            json.dump({f"{case} {column}": found for (case, column), found in results.items()}, file, indent=1)
    return 1 if complaints else 0


def outcomes(cases: list[Case], columns: list[tuple[str, Target]], n_jobs: int) -> dict[Any, Any]:
    """What every case did everywhere, by its name and the column's."""
    with ThreadPoolExecutor(n_jobs) as pool:
        jobs = {(c.name, name): pool.submit(outcome, c, t) for c in cases for name, t in columns if is_due(c, t)}
        return {key: job.result() for key, job in jobs.items()}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", help="the scripted server's binary, started here on a free port")
    parser.add_argument("--straight", help="the address of a scripted server that runs already")
    parser.add_argument("--straight-key", default="any")
    parser.add_argument("--gateway", help="the binary `yw`, started here with a provider of each dialect")
    parser.add_argument("--through", help="the address of a gateway that runs already")
    parser.add_argument("--key", default="any", help="the gateway's key")
    parser.add_argument("--upstream", action="append", default=[], type=upstream, metavar="DIALECT=PREFIX")
    parser.add_argument("--only", default="", help="only cases with this in their name")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--json", help="a file for all results")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if bool(options.server) == bool(options.straight):
        parser.error("give either --server or --straight")
    if options.gateway and options.through:
        parser.error("give either --gateway or --through")
    if bool(options.through) != bool(options.upstream):
        parser.error("--through and --upstream go together")
    return options


def upstream(text: str) -> tuple[str, str]:
    dialect, _, prefix = text.partition("=")
    if dialect not in DIALECTS:
        raise argparse.ArgumentTypeError(f"no dialect {dialect}; there are {', '.join(DIALECTS)}")
    return dialect, prefix


@contextlib.contextmanager
def scripted_server(binary: str | None) -> Iterator[str]:
    """Starts the scripted server, where there is a binary, and gives its address."""
    if binary is None:
        yield ""
        return
    process = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("openai"):
            raise SystemExit(f"{binary} did not start: {line}")
        yield line.split()[1].removesuffix("/v1")
    finally:
        process.terminate()
        process.wait()


PROJECT = """
[serve]
keys = true

[provider.openai]
base_url = "{base}/v1"
dialect = "openai"

[provider.responses]
base_url = "{base}/v1"
dialect = "responses"

[provider.anthropic]
base_url = "{base}"
dialect = "anthropic"

[provider.gemini]
base_url = "{base}/v1beta"
dialect = "gemini"

[provider.bedrock]
base_url = "{base}"
dialect = "bedrock"
region = "us-east-1"

[route.any]
models = ["openai/say:hello"]
"""

# The scripted server takes any key.
KEYS = ("OPENAI", "RESPONSES", "ANTHROPIC", "GEMINI")


@contextlib.contextmanager
def gateway(binary: str | None, base: str) -> Iterator[tuple[str, str]]:
    """Starts the gateway, where there is a binary, in front of the scripted server; gives its address and a key."""
    if binary is None:
        yield "", ""
        return
    binary = str(pathlib.Path(binary).resolve())
    keys = {f"{name}_API_KEY": "any" for name in KEYS} | {"AWS_BEARER_TOKEN_BEDROCK": "any"}
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")} | keys
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "yellowwood.toml").write_text(PROJECT.format(base=base))
        create = [binary, "key", "create", "--name", "clients", "--format", "json"]
        made = subprocess.run(create, cwd=folder, env=environment, capture_output=True, text=True, check=True)
        serve = [binary, "serve", "--address", "127.0.0.1:0"]
        process = subprocess.Popen(serve, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith("listening on "):
                raise SystemExit(f"{binary} did not start: {line}")
            yield line.split()[-1], json.loads(made.stdout)["token"]
        finally:
            process.terminate()
            process.wait()


def is_due(case: Case, target: Target) -> bool:
    return target.upstream is None or target.upstream in case.upstreams


def outcome(case: Case, target: Target) -> dict[str, Any]:
    """What a case returned, or why it failed."""
    began = time.monotonic()
    try:
        found: dict[str, Any] = {"result": normal(case.run(target))}
    except Exception as error:  # whatever goes wrong is the case's outcome
        last = traceback.extract_tb(error.__traceback__)
        where = next((f"{f.filename.rsplit('/')[-1]}:{f.lineno}" for f in reversed(last) if "_cases" in f.filename), "")
        found = {"failed": f"{type(error).__name__} at {where}: {error}"[:600]}
    found["seconds"] = round(time.monotonic() - began, 3)
    return found


def report(cases: list[Case], columns: list[str], results: dict[Any, Any], verbose: bool) -> list[str]:
    """Prints a line for each case and what is wrong below it; returns the names of what is."""
    width = max((len(c.name) for c in cases), default=0)
    print(" " * width, *(f"{c:>9}" for c in columns))
    complaints = []
    for case in cases:
        words, lines = [], []
        expected = results[case.name, "straight"]
        for column in columns:
            found = results.get((case.name, column))
            word, more = judge(case, column, expected, found)
            words.append(word)
            lines += [f"    {column}: {line}" for line in more]
            if more:
                complaints.append(f"{case.name} {column}")
        print(f"{case.name:<{width}}", *(f"{w:>9}" for w in words))
        if verbose and "result" in expected:
            print("    " + json.dumps(expected["result"], ensure_ascii=False))
        print(*lines, sep="\n", end="\n" if lines else "")
    n_runs = len(results)
    print(f"{len(cases)} cases, {n_runs} runs, {len(complaints)} not as they should be")
    return complaints


def judge(case: Case, column: str, expected: Any, found: Any) -> tuple[str, list[str]]:
    if found is None:
        return "-", []
    if "failed" in found:
        return "FAILED", [found["failed"]]
    if column == "straight":
        return "ok", []
    if "failed" in expected:
        return "?", []
    ignored = case.ignores.get(column, [])
    lines = differences(without(expected["result"], ignored), without(found["result"], ignored))
    return ("DIFFERS", lines) if lines else ("same", [])


if __name__ == "__main__":
    sys.exit(main())
