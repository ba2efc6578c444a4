"""Ask n8n about fresh agents, and grade what we do: items, order and errors as everywhere, and the requests to models."""

import json
import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cli.testing.case import run_case
from cli.testing.compare import difference
from cli.testing.loop import wait_for
from cli.testing.processes import CASE_SECONDS, DiedError, TooLongError, in_processes, limited
from tests.conformance.fresh.agent_world import FAILED, MADE_UP, AgentWorld, compared, serve_agents
from tests.conformance.fresh.asking import answers
from tests.conformance.fresh.grade import TROUBLE, Grade, grade

__all__ = ["ask_agents", "grades_of_agents"]

Case = dict[str, Any]
OF_THE_LIBRARY: Final = frozenset({"messageLog", "log", "type"})
"""What n8n tells of an agent's steps as its library has it."""
CRASHES: Final = re.compile(
    r"Cannot (read propert|create property)|is not a function|you must specify an input key|Cannot embed empty|System message should be"
    r"|has a ..supplyData.. method"
)
"""Errors of n8n's library about itself: such a case is left out."""
CORRECTED: Final = "The arguments do not fit the tool's schema"
"""What a model is told here; n8n fails the node, or calls the tool. Such a case is compared no further."""
WORDED: Final = ("guardrails", "informationExtractor", "sentimentAnalysis", "textClassifier")
UNDER_WAY: Final = 0.3
"""Seconds after which the requests of a run that failed have arrived: n8n does not wait for those under way."""


def ask_agents(cases: Sequence[Case]) -> Iterator[Case]:
    """Yield cases with what n8n gave, and the requests that its models got."""
    with serve_agents(cases) as services:
        for i, expected in answers(cases):
            if CRASHES.search(json.dumps(expected)):
                continue
            if expected.get("error"):
                time.sleep(UNDER_WAY)
            requests = [each for each in services.requests if each["model"] in cases[i]["answers"]]
            yield {**cases[i], "expected": expected, "requests": requests}


def grades_of_agents(cases: Sequence[Case], workers: int) -> list[Grade]:
    """Run cases in process."""
    return in_processes(_graded, cases, workers, lambda case: Grade(case, {TROUBLE: str(DiedError())}, {}))


def _graded(case: Case) -> Grade:
    world = AgentWorld(case)
    try:
        with limited(CASE_SECONDS):
            actual = wait_for(run_case({key: each for key, each in case.items() if key != "credentials"}, world))
    except (Exception, TooLongError) as error:  # one that raises must not take the others down
        return Grade(case, {TROUBLE: f"{type(error).__name__}: {error}"}, {})
    parts = {name for name, kinds in case["workflow"]["connections"].items() if "main" not in kinds}
    graded = grade({**case, "expected": _without(parts, _steps(case["expected"]))}, _without(parts, _steps(actual)))
    told = {**actual, "requests": world.services.requests}
    differs = _requests(case, world.services.requests)
    told = {**actual, "requests": world.services.requests}
    found = {**graded.levels, **({"requests": differs} if differs else {})}
    if CORRECTED in json.dumps(world.services.requests):
        found = {} if TROUBLE not in found else found
    return replace(graded, case=case, actual=told, levels=found)


def _without(parts: Collection[str], result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result without the runs of sub-nodes, of which n8n tells as if they were steps."""
    nodes = {name: runs for name, runs in result["nodes"].items() if name not in parts}
    return {**result, "nodes": nodes, "order": [each for each in result["order"] if each[0] not in parts]}


def _requests(case: Case, here: Sequence[Mapping[str, Any]]) -> str | None:
    wanted, got = (compared(each, own_words=own_words(case)) for each in (case["requests"], here))
    if case["expected"].get("error") or case["expected"]["nodes"]["Root"][0].get("error"):
        missing = [
            each for each in got if each not in wanted
        ]  # the first failure ends the node here; n8n lets others go on
        return f"{json.dumps(missing[0])} is not among those of n8n" if missing else None
    if len(wanted) != len(got):
        return f"{len(wanted)} requests, here {len(got)}"
    return difference(wanted, got, "/requests")


def own_words(case: Case) -> bool:
    """Return whether the root of a case gives the model a system message of its own."""
    root = next(each for each in case["workflow"]["nodes"] if each["name"] == "Root")
    kind = root["type"].rpartition(".")[2]
    return kind == "textClassifier" or (
        kind in WORDED and "systemPromptTemplate" not in root["parameters"].get("options", {})
    )


def _steps(value: Any) -> Any:
    """Return results without what n8n's library tells of an agent's steps."""
    if isinstance(value, dict):
        if "action" in value and "observation" in value:
            value = {
                **value,
                "action": {key: each for key, each in value["action"].items() if key not in OF_THE_LIBRARY},
            }
        return {key: _steps(each) for key, each in value.items()}
    if isinstance(value, str):
        return "" if value.startswith(FAILED) else MADE_UP.sub("<made up>", value)
    return [_steps(each) for each in value] if isinstance(value, list) else value
