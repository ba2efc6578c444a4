"""More items than a step may return never leave the child: taking them in would keep the event loop of all tenants for seconds."""

from typing import Any, Final

import pytest

from runtime.contract import NodeError
from runtime.sandbox.child_process import ChildProcess
from runtime.sandbox.runner import CodeRunner
from schemas.run import MAX_ITEMS

TASK: Final[dict[str, Any]] = {"snapshot": {"items": [{"json": {}}]}, "meta": {"tenant": "a"}}
CODE: Final = {
    "javascript": "return Array.from({{length: {}}}, () => ({{json: {{}}}}))",
    "python": "return [{{'json': {{}}}} for _ in range({})]",
}


@pytest.fixture
def lengths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Characters of each answer of a JavaScript child."""
    seen: list[int] = []
    exchange = ChildProcess.exchange

    def noted(self: ChildProcess, kind: str, text: str, seconds: float) -> tuple[str, str]:
        answer = exchange(self, kind, text, seconds)
        seen.append(len(answer[1]))
        return answer

    monkeypatch.setattr(ChildProcess, "exchange", noted)
    return seen


@pytest.mark.parametrize("language", CODE)
async def test_too_many_items_are_refused_where_they_are_made(language: str, lengths: list[int]) -> None:
    code = CODE[language].format(MAX_ITEMS + 1)
    with pytest.raises(NodeError, match=r"returned 100,001 items, and the limit is 100,000"):
        await CodeRunner().run(TASK, language, code, "all", items=[{"json": {}}])
    assert max(lengths, default=0) < 1_000


@pytest.mark.parametrize("language", CODE)
async def test_as_many_as_a_step_may_return_are_returned(language: str) -> None:
    done = await CodeRunner().run(TASK, language, CODE[language].format(MAX_ITEMS), "all", items=[{"json": {}}])
    assert len(done["value"]["outcomes"][0]["data"]) == MAX_ITEMS
