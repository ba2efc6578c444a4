"""Which step a sub-node works for: a model, a memory or a tool has no step of its own in a run."""

from collections.abc import Iterator
from typing import Final

from schemas.plan import Plan

__all__ = ["MODEL", "below_step", "roots_of"]

MODEL: Final = "ai_languageModel"


def below_step(plan: Plan, name: str) -> frozenset[str]:
    """Return the sub-nodes of a step, and theirs."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        step = plan.step.get(waiting.pop())
        for parts in step.subnodes.values() if step else ():
            waiting += set(parts) - found
            found |= set(parts)
    return frozenset(found - {name})


def roots_of(plan: Plan, name: str) -> list[tuple[str, str]]:
    """Return the agents and chains that a sub-node works for, each with the kind of its connection, such as `ai_tool`."""
    return list(dict.fromkeys(_roots(plan, name, frozenset({name}))))


def _roots(plan: Plan, name: str, seen: frozenset[str]) -> Iterator[tuple[str, str]]:
    for step in plan.steps:
        for kind, parts in step.subnodes.items():
            if name not in parts or step.name in seen:
                continue
            if MODEL in step.subnodes:
                yield step.name, kind
            else:
                yield from ((root, kind) for root, _ in _roots(plan, step.name, seen | {step.name}))
