"""Facts of parameters as fields of a node class."""

import pytest

from runtime.integrations.parameters import Fact, fields_of
from schemas.node import Node, declarations


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
