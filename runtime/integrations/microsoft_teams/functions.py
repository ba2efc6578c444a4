"""Microsoft Teams: the text of a question, members of chats, and meetings."""

from typing import Any

from runtime.integrations.filters import FILTERS
from runtime.integrations.questions import question_html as question
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string
from schemas.item import UNDEFINED

__all__ = ["history_start", "join_url", "question"]


def history_start(scope: Scope) -> Any:
    """Return from when on a new member of a chat sees its messages; UNDEFINED: from now on."""
    given = scope.parameters.get("options") or {}
    if given.get("shareHistory") == "all":
        return "0001-01-01T00:00:00Z"
    moment = given.get("historyStartDate")
    return FILTERS["iso"](moment) if given.get("shareHistory") and moment else UNDEFINED


def join_url(scope: Scope) -> str:
    """Return the condition that finds a meeting by the address to join it."""
    address = js_string(FILTERS["locator"](scope.parameters.get("meetingId"))).replace("'", "''")
    return f"JoinWebUrl eq '{address}'"
