"""Members of a vendor's answer as JavaScript reads them: where n8n's code fails on an answer, a program here fails in the same words."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from schemas.item import UNDEFINED

__all__ = ["elements_of", "member_of_answer", "unreadable"]


def member_of_answer(answer: Any, name: str) -> Any:
    """Return a member of an answer: UNDEFINED when it has none, as of a text. Raise NodeError for null and for no answer."""
    if answer is None or answer is UNDEFINED:
        raise unreadable(answer, name)
    return answer.get(name, UNDEFINED) if isinstance(answer, Mapping) else UNDEFINED


def elements_of(answer: Any, name: str, method: str) -> list[Any]:
    """Return the list that a member of an answer is. Raise NodeError where it is missing, on which n8n's code calls `method`."""
    found = member_of_answer(answer, name)
    if found is None or found is UNDEFINED:
        raise unreadable(found, method)
    return found if isinstance(found, list) else [found]


def unreadable(value: Any, name: str, item: int | None = None) -> NodeError:
    """Return the error for a member of what is null or undefined."""
    kind = "null" if value is None else "undefined"
    return NodeError(
        f"Cannot read properties of {kind} (reading '{name}')",
        description="The service answered with success, but without what the node reads.",
        item=item,
    )
