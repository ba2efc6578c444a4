"""How much of models a step, a run, and a tenant on one day may use: what `TEMPOR8_MODEL_LIMITS` says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["MEASURES", "SCOPES", "ModelLimit", "ModelLimits"]

SCOPES: Final = ("step", "run", "day")
"""One run of a node, one run of a workflow, one tenant on one day (UTC)."""
MEASURES: Final = ("turns", "tokens", "cost_usd", "seconds")
"""Requests, tokens of both directions, list price in US dollars, time of the requests."""


@dataclass(frozen=True)
class ModelLimit:
    """One limit: no further request begins once so much is used."""

    scope: str
    measure: str
    allowed: float


@dataclass(frozen=True)
class ModelLimits:
    """The limits of every tenant. `by_tenant['']` holds for those that name none of that scope and measure."""

    by_tenant: Mapping[str, tuple[ModelLimit, ...]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `run.tokens=200000,day.cost_usd=20,acme:day.cost_usd=100`. Raise ValueError."""
        found: dict[str, dict[tuple[str, str], ModelLimit]] = {}
        for part in filter(None, (each.strip() for each in text.split(","))):
            place, _, value = part.partition("=")
            tenant, _, name = place.strip().rpartition(":")
            scope, _, measure = name.partition(".")
            allowed = _number(value)
            if scope not in SCOPES or measure not in MEASURES or allowed is None:
                raise ValueError(
                    f"'{part}': [tenant:]scope.measure=number, with {', '.join(SCOPES)} and {', '.join(MEASURES)}"
                )
            found.setdefault(tenant, {})[scope, measure] = ModelLimit(scope, measure, allowed)
        return cls({tenant: tuple(limits.values()) for tenant, limits in found.items()})

    def of(self, tenant: str) -> tuple[ModelLimit, ...]:
        """Return the limits of a tenant: its own, and those of all for what it has none of its own."""
        own = self.by_tenant.get(tenant, ())
        named = {(each.scope, each.measure) for each in own}
        return (*own, *(each for each in self.by_tenant.get("", ()) if (each.scope, each.measure) not in named))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
