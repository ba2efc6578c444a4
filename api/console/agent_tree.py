"""The agents of a run as a tree: an agent, its turns (one model request each) with tokens and cost, and the tools of each turn.

Which sub-node an activity is of, its id says; what it used, the journal says. So nothing has to be opened that is sealed;
what went into a call and came out of it is opened when somebody asks for it, see `tool_calls`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.console.sub_nodes import MODEL, roots_of
from schemas.plan import Plan
from service.run_activities import ActivityTimes
from service.run_timeline import StepSpan

__all__ = ["AgentRun", "Turn", "agent_tree"]


@dataclass
class ToolCall:
    """A call of a sub-node: a tool, a memory, a store."""

    node: str
    kind: str
    milliseconds: float | None
    """None: it has not ended."""
    activity: str = ""
    """Its id in the history of the run."""


@dataclass
class Turn:
    """A model request, and what the agent did with its answer."""

    model: str
    milliseconds: float | None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    failed: bool = False
    tools: list[ToolCall] = field(default_factory=list)


@dataclass
class AgentRun:
    """A run of the root of an agent or chain."""

    node: str
    run: int
    agent: str
    """Slug of its specialist, or its name."""
    before: list[ToolCall] = field(default_factory=list)
    """What was called before the first model request."""
    turns: list[Turn] = field(default_factory=list)

    @property
    def tokens(self) -> tuple[int, int]:
        """Return input and output tokens of all turns."""
        return sum(each.input_tokens for each in self.turns), sum(each.output_tokens for each in self.turns)

    @property
    def cost_usd(self) -> float | None:
        """Return the cost of all turns whose price is known; None: of none."""
        known = [each.cost_usd for each in self.turns if each.cost_usd is not None]
        return sum(known) if known else None


def agent_tree(
    plan: Plan,
    activities: Sequence[ActivityTimes],
    usage: Iterable[Mapping[str, Any]],
    spans: Sequence[StepSpan] = (),
) -> list[AgentRun]:
    """Return the agents in the order in which they began.

    Args:
        plan: of the run.
        activities: of the run, in order.
        usage: of model requests, in order, as the journal has it.
        spans: of steps. Of a sub-node that several agents share, a call is that agent's in whose time it began.
    """
    roots = {step.name for step in plan.steps if MODEL in step.subnodes}
    used: dict[str, list[Mapping[str, Any]]] = {}
    for entry in usage:
        used.setdefault(str(entry.get("node") or ""), []).append(entry)
    found: dict[tuple[str, int], AgentRun] = {}
    owners: dict[str, list[tuple[str, str]]] = {}
    for each in activities:
        name, run, *_ = each.id.rsplit("#", 3)
        if name not in owners:
            owners[name] = roots_of(plan, name)
        if not owners[name] or not run.isdecimal():
            continue
        root, kind = _owner(owners[name], each.scheduled, spans)
        agent = found.setdefault((root, int(run)), AgentRun(root, int(run), plan.step[root].agent or root))
        if kind == MODEL:
            entries = used.get(root) or []
            agent.turns.append(_turn(name, each, entries.pop(0) if entries else {}))
        else:
            call = ToolCall(name, kind.removeprefix("ai_"), _milliseconds(each), each.id)
            (agent.turns[-1].tools if agent.turns else agent.before).append(call)
    for root, entries in used.items():  # of activities that are no longer known, or that were not looked at
        if root in roots and entries:
            agent = found.setdefault((root, 0), AgentRun(root, 0, plan.step[root].agent or root))
            agent.turns += [_turn("", None, entry) for entry in entries]
    return list(found.values())


def _owner(candidates: Sequence[tuple[str, str]], moment: datetime, spans: Iterable[StepSpan]) -> tuple[str, str]:
    """Return the agent that a call was made for, and as what the sub-node is connected to it."""
    if len(candidates) > 1:
        at_work = {span.node for span in spans if span.covers(moment)}
        return next((each for each in candidates if each[0] in at_work), candidates[0])
    return candidates[0]


def _turn(node: str, activity: ActivityTimes | None, entry: Mapping[str, Any]) -> Turn:
    cost = entry.get("cost_usd")
    duration = entry.get("duration_ms")
    return Turn(
        model=str(entry.get("model") or node),
        milliseconds=float(duration) if isinstance(duration, int | float) else _milliseconds(activity),
        input_tokens=int(entry.get("input_tokens") or 0),
        output_tokens=int(entry.get("output_tokens") or 0),
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
        failed=entry.get("status") == "error",
    )


def _milliseconds(activity: ActivityTimes | None) -> float | None:
    if activity is None or activity.ended is None:
        return None
    return (activity.ended - (activity.started or activity.scheduled)).total_seconds() * 1000
