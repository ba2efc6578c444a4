"""A trigger of a vendor that n8n lists is no unsupported choice."""

import pytest

from compiler import compile_export
from runtime.catalog import CATALOG
from runtime.integrations.index import types
from schemas.diagnostic.nodes import UnsupportedChoice
from tests.exports import export, node, set_

TRIGGERS = sorted(each for each in types() if each.endswith("Trigger"))


@pytest.mark.parametrize("type_", TRIGGERS)
def test_a_trigger_with_its_defaults_has_no_unsupported_choice(type_: str) -> None:
    name = type_.rpartition(".")[2]
    compilation = compile_export(
        export("T", node("At", name, max(CATALOG.versions(type_))), set_("Done", a="b")),
        file="t.json",
        catalog=CATALOG,
    )
    assert not [each.message for each in compilation.diagnostics if isinstance(each, UnsupportedChoice)]
