"""Which step a sub-node works for: a model, a memory or a tool has no step of its own in a run."""

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
    above: dict[str, list[tuple[str, str]]] = {}
    for step in plan.steps:
        for kind, parts in step.subnodes.items():
            for part in parts:
                above.setdefault(part, []).append((step.name, kind))
    found: dict[tuple[str, str], None] = {}
    seen = {name}
    waiting = list(reversed(above.get(name, ())))
    while waiting:
        owner, kind = waiting.pop()
        if MODEL in plan.step[owner].subnodes:
            found[owner, kind] = None
        elif owner not in seen:
            waiting += ((each, kind) for each, _ in reversed(above.get(owner, ())))
        seen.add(owner)
    return list(found)
