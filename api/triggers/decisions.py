"""What a person decided who answered a run: the details of its entry in the audit log."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.triggers.form_fields import Field

__all__ = ["decision"]

MASKED: Final = "***"


def decision(
    waiting: Mapping[str, Any], item: Mapping[str, Any], kind: str, fields: Iterable[Field] = ()
) -> dict[str, Any]:
    """Return who asked, what was answered, and the call of a tool that it was about. Passwords are masked.

    Args:
        waiting: the wait, as the run reports it.
        item: what the run goes on with.
        kind: approval, form or call. What a call sent is not repeated: it may be anything.
        fields: of a form.
    """
    json = item.get("json") or {}
    details: dict[str, Any] = {"node": waiting["step"], "kind": kind, "ordinal": waiting["ordinal"]}
    if kind == "approval":
        details["approved"] = json.get("approved") is True
    if kind == "form":
        secret = {each.label for each in fields if each.kind == "password"}
        details["data"] = {name: MASKED if name in secret else value for name, value in json.items()}
    if (tool := waiting["config"].get("tool")) is not None:
        details["tool"] = tool
    return details
