"""Whatever door a template comes in by, its version says the same of the compiler's verdict."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from compiler import Compilation, compile_export
from runtime.catalog import CATALOG
from service.publishing import publish
from service.templates import TemplateStore
from tests.exports import export, node, set_

ROOT = Path(__file__).parents[3]


class Store:
    """Stands for the templates: remembers what it was handed."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []

    async def publish(self, tenant: str, key: str, plan: Any, text: str, **rest: Any) -> str:
        self.published.append({"tenant": tenant, "key": key, "plan": plan, "text": text, **rest})
        return "a publication"


def compiled(*nodes: dict[str, Any]) -> Compilation:
    text = json.dumps(export("Report", node("Start", "manualTrigger"), *nodes))
    return compile_export(text, file="report.json", catalog=CATALOG, allow_unsupported=True)


async def test_a_version_says_whether_it_runs_and_which_nodes_differ() -> None:
    store, made = Store(), compiled(set_("Greet", a="1"), node("Count", "functionItem"), node("Odd", "noSuchNode"))
    await publish(cast("TemplateStore", store), "acme", "report", made, description="Weekly", created_by="k1")
    assert store.published == [{
        "tenant": "acme", "key": "report", "plan": made.plan, "text": made.text, "description": "Weekly", "created_by": "k1",
        "metadata": {"runnable": True, "differs": ["Count", "Odd"]}, "active": True,
    }]  # fmt: skip


async def test_what_does_not_compile_is_not_published() -> None:
    store = Store()
    broken = compile_export(b"{", file="report.json", catalog=CATALOG)
    assert await publish(cast("TemplateStore", store), "acme", "report", broken) is None
    assert store.published == []


@pytest.mark.parametrize("folder", ["api", "cli"])
def test_no_door_publishes_past_it(folder: str) -> None:
    files = (ROOT / folder).rglob("*.py")
    assert [str(path) for path in files if "store.publish(" in path.read_text(encoding="utf-8")] == []
