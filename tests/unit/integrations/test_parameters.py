"""Facts of parameters as fields of a node class, and their values."""

from typing import Any

import pytest

from runtime.integrations.parameters import Fact, Parameters, fields_of
from schemas.node import Node, declarations


def parameters_of(facts: list[dict[str, Any]], given: dict[str, Any]) -> Parameters:
    """The parameters of a node with these facts."""
    annotations, values, named = fields_of([Fact.read(each) for each in facts])
    node: Any = type("Sample", (Node,), {"__annotations__": annotations, "__module__": __name__, **values})
    return Parameters(node.model_validate(given), named, 1)


@pytest.mark.parametrize(
    ("many", "required"),
    [
        pytest.param(False, True, id="a single value must be given"),
        pytest.param(True, False, id="of a list only the entries must be given: n8n runs with none"),
    ],
)
def test_what_must_be_given(many: bool, required: bool) -> None:
    fact = Fact.read({"name": "fields", "kind": "string", "default": [], "required": True, "many": many})
    annotations, values, _ = fields_of([fact])
    node = type("Sample", (Node,), {"__annotations__": annotations, "__module__": __name__, **values})
    (declared,) = declarations(node).values()
    assert declared.info.required is required


MEMBERS: list[dict[str, Any]] = [
    {"name": "text", "kind": "string", "default": ""},
    {"name": "width", "kind": "number", "default": 0, "show": {"/operation": ["sendVideo"]}},
    {"name": "what", "kind": "options", "default": "all"},
    {"name": "types", "kind": "multiOptions", "default": [], "show": {"what": ["all"]}},
]
OPERATION: dict[str, Any] = {"name": "operation", "kind": "options", "default": "send"}


def test_a_member_of_a_collection_that_is_hidden_is_left_out() -> None:
    facts = [OPERATION, {"name": "more", "kind": "collection", "default": {}, "members": MEMBERS}]
    more = {"text": "Hi", "width": 2}
    assert parameters_of(facts, {"operation": "send", "more": more})["more"] == {"text": "Hi"}
    assert parameters_of(facts, {"operation": "sendVideo", "more": more})["more"] == more


def test_a_sibling_counts_with_its_default_in_an_entry_but_not_in_a_collection() -> None:
    group = {"name": "values", "kind": "group", "members": MEMBERS}
    facts = [
        OPERATION,
        {"name": "more", "kind": "collection", "default": {}, "members": MEMBERS},
        {"name": "rows", "kind": "fixedCollection", "default": {}, "members": [group]},
    ]
    given = {"more": {"types": ["a"]}, "rows": {"values": {"types": ["a"]}}}
    parameters = parameters_of(facts, given)
    assert parameters["more"] == {}
    assert parameters["rows"] == {"values": {"text": "", "what": "all", "types": ["a"]}}


@pytest.mark.parametrize("kind", ["collection", "fixedCollection"])
def test_a_member_that_asks_for_a_parameter_as_if_it_were_a_sibling_is_never_shown(kind: str) -> None:
    members = [{"name": "width", "kind": "number", "default": 0, "show": {"operation": ["send"]}}, MEMBERS[0]]
    group = [{"name": "values", "kind": "group", "members": members}] if kind == "fixedCollection" else members
    facts = [OPERATION, {"name": "more", "kind": kind, "default": {}, "members": group}]
    entry = {"width": 2, "text": "Hi"}
    given = {"values": entry} if kind == "fixedCollection" else entry
    shown = {"text": "Hi"}
    expected = {"values": shown} if kind == "fixedCollection" else shown
    assert parameters_of(facts, {"operation": "send", "more": given})["more"] == expected
