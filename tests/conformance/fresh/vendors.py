"""Fresh calls of vendors' nodes, drawn from a seed: wire cases without what n8n sends and gives.

Every resource and operation of every family of versions is drawn as often as every other, and as often again by how many
real exports use it. Half of the calls start from a recorded one. Answers are those of recorded calls, many of them changed.
"""

import copy
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from runtime.integrations.index import types
from runtime.integrations.loader import descriptors
from schemas.node import visible
from tests.conformance.fresh.vendor_calls import Recorded, node_type
from tests.conformance.fresh.vendor_values import ValueDrawer

__all__ = ["TYPES", "draw_calls"]

Json = dict[str, Any]
TYPES: Final = (
    "airtable", "discord", "github", "gmail", "googleSheets", "hubspot", "jira", "mailchimp", "notion", "slack", "stripe", "telegram",
)  # fmt: skip
"""The vendors that real exports use most; ask for others by name."""
ITEMS: Final[tuple[Json, ...]] = (
    {"id": "rec1", "name": "Sample Name", "email": "user@example.com", "status": "open", "message": "Hello",
     "amount": 12.5, "active": True, "tags": ["a", "b"]},
    {"id": "rec2", "name": "Other Name", "email": "other@example.com", "status": "closed", "message": "Bye",
     "amount": 7, "active": False, "tags": []},
    {"id": 3, "name": "é & <b>", "email": "", "status": None, "amount": "12", "tags": "a"},
    {"id": "", "name": "x"},
)  # fmt: skip
BINARY: Final = {
    "data": "SGVsbG8gd2lyZQo=", "mimeType": "text/plain", "fileName": "sample.txt", "fileExtension": "txt", "fileType": "text",
    "fileSize": "11 B",
}  # fmt: skip
NODES: Final[tuple[Json, ...]] = (
    {}, {}, {}, {}, {}, {"onError": "continueRegularOutput"}, {"onError": "continueErrorOutput"}, {"continueOnFail": True},
)  # fmt: skip
CHANGES: Final = ("failure", "failure", "odd", "odd", "without", "without", "null", "empty", "more", "more")
"""What becomes of an answer: another status, another body, a member less, null or empty, a list longer."""
NAMES: Final = ("resource", "operation")
CREDENTIAL_NAMES: Final = ("authentication", "authType", "nodeCredentialType", "jiraVersion", "accessTokenType")
"""Parameters that say which credential is read: as in the recorded call whose credentials a call has."""


class Form(NamedTuple):
    """What a call is of: the number of the family of versions; the value of `authentication` (None: it is not written)."""

    family: int
    resource: Any
    operation: Any
    authentication: Any


class CallDrawer:
    """Draws the calls of one node type."""

    def __init__(self, draw: random.Random, type_: str) -> None:
        """Raise SystemExit for a type without recorded cases."""
        self._draw, self._type = draw, type_
        self._recorded = Recorded(type_)
        self._descriptors = [each for each in descriptors(types()[type_]) if each.type == type_]
        self._signed = [each for each in self._recorded.cases if each.get("credentials")] or self._recorded.cases
        ways: dict[tuple[Any, ...], list[Form]] = defaultdict(list)
        for form in self._all_forms():
            ways[form[:3]].append(form)
        self._forms = list(ways.values())
        self._deck: list[list[Form]] = []
        uses = self._recorded.uses()
        self._weights = [uses.get((form.resource, form.operation), 1) for form, *_ in self._forms]
        self._even = False

    def _all_forms(self) -> Iterator[Form]:
        """Each family of versions with each resource and operation that it declares, and each way to sign in that was recorded."""
        ways = dict.fromkeys(each["parameters"].get("authentication") for each in self._signed)
        for i, family in enumerate(self._recorded.families):
            facts, version = family["parameters"], family["versions"][-1]
            ours = self._options(facts, "authentication", {}, version)
            for way in (each for each in ways if each is None or each in ours):
                beside = {"authentication": way or ours[0]}
                for resource in self._options(facts, "resource", beside, version):
                    for operation in self._options(facts, "operation", {**beside, "resource": resource}, version):
                        yield Form(i, resource, operation, way)

    @staticmethod
    def _options(facts: Sequence[Json], name: str, parameters: Json, version: float) -> list[Any]:
        shown = (
            each
            for each in facts
            if each["name"] == name and visible(each.get("show", {}), each.get("hide", {}), parameters, version)
        )
        fact = next(shown, None)
        if fact is None:
            return [None]
        default = fact.get("default")
        return [default, *(each for each in fact.get("options", ()) if each != default)]

    def call(self) -> Json:
        """Return the next one."""
        form = self._form()
        family = self._recorded.families[form.family]
        version = self._draw.choice(family["versions"])
        given: Json = {name: getattr(form, name) for name in NAMES if getattr(form, name) is not None}
        model = self._model(form, family["versions"])
        if _is_of(model, form) and self._draw.random() < 0.5:
            kept = {
                name: each for name, each in copy.deepcopy(model["parameters"]).items() if self._draw.random() < 0.75
            }
            given = kept | given
        for name in CREDENTIAL_NAMES:
            given.pop(name, None)
            if name in model["parameters"]:
                given[name] = model["parameters"][name]
        values = ValueDrawer(self._draw, self._recorded, version)
        items, changes = self._items(one=self._at_once(version)), self._changes()
        parameters = values.fill(family["parameters"], given, self._draw.choice((0.1, 0.4, 0.7)), CREDENTIAL_NAMES)
        return {
            "type": self._type, "typeVersion": int(version) if version == int(version) else version,
            "resource": form.resource, "operation": form.operation, "parameters": parameters, "credentials": model.get("credentials") or {},
            "input": items, "node": self._draw.choice(NODES), "model": model["id"], "changes": changes,
        }  # fmt: skip

    def _at_once(self, version: float) -> bool:
        """Return whether n8n sends the requests of all items at once, so that nothing says in which order they arrive."""
        return any(each.declarative for each in self._descriptors if version in each.versions)

    def _form(self) -> Form:
        self._even = not self._even
        if not self._even:
            return self._draw.choice(self._draw.choices(self._forms, self._weights)[0])
        if not self._deck:
            self._deck = self._draw.sample(self._forms, len(self._forms))
        return self._draw.choice(self._deck.pop())

    def _model(self, form: Form, versions: Sequence[float]) -> Json:
        """Return a recorded case whose credentials and answers fit: of the operation and the versions, as far as there is one."""

        def closeness(case: Json) -> tuple[bool, int]:
            near = 4 * int(case["typeVersion"] in versions) + 2 * int(_is_of(case, form))
            same_way = case["parameters"].get("authentication") == form.authentication
            return same_way, near + int(case.get("resource") == form.resource)

        best = max(map(closeness, self._signed))
        return self._draw.choice([each for each in self._signed if closeness(each) == best])

    def _items(self, *, one: bool) -> list[Json]:
        count = 1 if one else self._draw.choice((1, 1, 1, 2, 2, 3))
        items = [ITEMS[0], *self._draw.sample(ITEMS[1:], count - 1)]
        bare = self._draw.random() < 0.1
        return [{"json": each} if bare else {"json": each, "binary": {"data": BINARY}} for each in items]

    def _changes(self) -> list[Json]:
        """Return what becomes of answers: which one in the order of requests, how, and a seed of its own."""
        if self._draw.random() < 0.6:
            return []
        number = self._draw.choice((0, 0, 0, 1, 1, 2))
        change = self._draw.choice(CHANGES)
        return [{"request": number, "how": change, "seed": self._draw.randrange(1 << 30)}]


def _is_of(case: Json, form: Form) -> bool:
    return (case.get("resource"), case.get("operation")) == (form.resource, form.operation)


def draw_calls(names: Sequence[str], seed: int, count: int) -> list[Json]:
    """Return `count` calls of these node types, in turn. Raise SystemExit for a type without recorded cases."""
    drawers = [
        CallDrawer(random.Random(f"{seed} {name}"), node_type(name))  # noqa: S311 - the point is to draw it again
        for name in names
    ]
    return [{"id": f"{seed}-{i}", **drawers[i % len(drawers)].call()} for i in range(count)]
