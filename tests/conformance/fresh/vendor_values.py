"""Values for a declared parameter of a vendor's node, drawn: those of recorded calls beside plain and odd ones."""

import copy
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from schemas.node import visible
from tests.conformance.fresh.vendor_calls import Recorded

__all__ = ["ValueDrawer"]

Json = dict[str, Any]
TEXTS: Final = (
    "v", "a b&c", "é", "={{ $json.name }}", "={{ $json.id }}", "=x {{ $json.email }}", "1", "2026-01-02",
    "user@example.com", "a,b , c", '{"a": 1}', "={{ $json.status }}", "A1:B2", "name", "=row {{ $itemIndex }}",
)  # fmt: skip
ODD: Final[tuple[Any, ...]] = (
    "", "={{ undefined }}", "={{ null }}", "={{ [1, 2] }}", "={{ ({a: 1}) }}", "={{ $json.missing }}", 5, True, "={{ $json.tags }}",
    "={{ $json.amount }}", "={{ true }}", "={{ '' }}", "={{ [] }}", " ", "={{ 0 }}",
)  # fmt: skip
ADDRESSES: Final = (
    "https://example.com/a?b=1",
    "https://example.com/é.png",
    "example.com",
    "={{ 'https://' + $json.email }}",
)
"""For parameters whose name says address. Elsewhere `/` and `?` of a value stay in its segment of a path here, on purpose."""
_ADDRESS: Final = re.compile("url|link|uri|website", re.IGNORECASE)
NUMBERS: Final[tuple[Any, ...]] = (1, 2, 5, 50, 0, 3, "={{ $json.amount }}", "={{ 2 }}", 1.5, 120)
TIME_LIMITS: Final = (10_000, 60_000)
"""Milliseconds: of a time limit that the mock may miss nothing can be said."""
DATES: Final = (
    "2026-01-02T03:04:05.000Z", "2026-01-02", "2026-01-02T03:04:05", "={{ '2026-03-04T05:06:07.000+02:00' }}", "1767312000", "={{ 1767312000000 }}",
)  # fmt: skip
JSONS: Final = (
    '{"a": 1}', "={{ ({a: 1}) }}", "[1, 2]", '[{"id": "x"}]', "{bad", "={{ JSON.stringify({b: $json.name}) }}", '={"n": "{{ $json.name }}"}', "",
)  # fmt: skip
_ODD: Final = 0.05
_RECORDED: Final = 0.5
_RECORDED_OF: Final = {"resourceMapper": 1.0, "resourceLocator": 0.9}


class ValueDrawer:
    """Draws values for the declarations of one node."""

    def __init__(self, draw: random.Random, recorded: Recorded, version: float) -> None:
        self._draw, self._recorded, self._version = draw, recorded, version

    def fill(self, facts: Sequence[Json], given: Json, chance: float, left: Sequence[str]) -> Json:
        """Return `given` with values for the visible declarations: the required ones, and of others each with a chance.

        Those named in `left` keep their default.
        """
        effective: Json = {}
        made: Json = {}
        for fact in facts:
            name = fact["name"]
            if name in effective or not self._visible(fact, effective):
                continue
            needed = fact.get("required") and self._draw.random() < 0.97  # n8n refuses one without it
            if name in given:
                made[name] = given[name]
            elif name not in left and (needed or self._draw.random() < chance):
                made[name] = self.value(fact, effective)
            effective[name] = made.get(name, fact.get("default"))
        return made

    def _visible(self, fact: Json, parameters: Mapping[str, Any]) -> bool:
        return visible(fact.get("show", {}), fact.get("hide", {}), parameters, self._version)

    def value(self, fact: Json, beside: Mapping[str, Any]) -> Any:
        """Return a value for a declaration; `beside`: the parameters around it."""
        kind, draw = fact["kind"], self._draw
        seen = [each for each in self._recorded.values.get(fact["name"], ()) if self._fits(each, kind)]
        if kind in ("collection", "fixedCollection"):
            return copy.deepcopy(draw.choice(seen)) if seen and draw.random() < 0.2 else self._members(fact, beside)
        if draw.random() < _ODD and kind not in ("resourceMapper", "hidden") and fact["name"] != "timeout":
            return draw.choice(ODD)
        if kind == "options" and fact.get("options") and draw.random() < 0.95:
            return draw.choice(fact["options"])
        if seen and (
            kind in ("resourceMapper", "filter", "assignmentCollection")
            or draw.random() < (0.9 if kind == "resourceLocator" else _RECORDED)
        ):
            return copy.deepcopy(draw.choice(seen))
        return self._plain(fact)

    def _fits(self, value: Any, kind: str) -> bool:
        if kind == "boolean":
            return isinstance(value, bool)
        if kind in ("collection", "fixedCollection", "resourceMapper", "resourceLocator"):
            return isinstance(value, Mapping) and bool(value.get("__rl")) == (kind == "resourceLocator")
        return not isinstance(value, Mapping)

    def _plain(self, fact: Json) -> Any:
        draw, kind = self._draw, fact["kind"]
        if kind == "boolean":
            return draw.choice((True, True, True, False, False, "={{ $json.active }}"))
        if kind == "number":
            return draw.choice(TIME_LIMITS if fact["name"] == "timeout" else NUMBERS)
        if kind == "dateTime":
            return draw.choice(DATES)
        if kind == "json":
            return draw.choice(JSONS)
        if kind == "color":
            return "#ff0000"
        if kind == "multiOptions":
            options = fact.get("options") or ("a", "b", "c d")
            return draw.sample(options, draw.randint(0 if draw.random() < 0.1 else 1, min(3, len(options))))
        if kind == "resourceLocator":
            modes = fact.get("options") or ["id"]
            lax = [each for each in modes if each in ("list", "name")]  # others are checked by a pattern before the run
            mode = draw.choice(lax if lax and draw.random() < 0.8 else modes)
            return {"__rl": True, "mode": mode, "value": draw.choice(TEXTS)}
        if kind in ("hidden", "resourceMapper", "credentials", "notice"):
            return copy.deepcopy(fact.get("default"))
        return draw.choice(ADDRESSES if _ADDRESS.search(fact["name"]) else TEXTS)

    def _members(self, fact: Json, beside: Mapping[str, Any]) -> Any:
        members = fact.get("members", ())
        if not members:
            return {}
        if fact["kind"] == "fixedCollection":
            groups = self._draw.sample(members, 1 if self._draw.random() < 0.85 else min(2, len(members)))
            return {group["name"]: self._entries(fact, group, beside) for group in groups}
        if fact.get("many"):
            return [self._some(members, beside) for _ in range(self._draw.randint(1, 2))]
        return self._some(members, beside)

    def _some(self, members: Sequence[Json], beside: Mapping[str, Any]) -> Json:
        """Return some members of a collection, which have no defaults."""
        chosen = self._draw.sample(members, min(len(members), self._draw.choice((0, 1, 1, 2, 2, 3, 5))))
        made: Json = {}
        for each in (each for each in members if each in chosen):
            if each["name"] not in made and self._visible(each, {**beside, **made}):
                made[each["name"]] = self.value(each, {**beside, **made})
        return made

    def _entries(self, fact: Json, group: Json, beside: Mapping[str, Any]) -> Any:
        count = self._draw.choice((1, 1, 1, 2, 3)) if fact.get("many") else 1
        entries = [self._entry(group.get("members", ()), beside) for _ in range(count)]
        return entries if fact.get("many") else entries[0]

    def _entry(self, members: Sequence[Json], beside: Mapping[str, Any]) -> Json:
        """Return an entry of a fixed collection: what it lacks has its default."""
        made: Json = {}
        effective: Json = {}
        for each in members:
            if each["name"] in effective or not self._visible(each, {**beside, **effective}):
                continue
            if each.get("required") or self._draw.random() < 0.8:
                made[each["name"]] = self.value(each, {**beside, **effective})
            effective[each["name"]] = made.get(each["name"], each.get("default"))
        return made
