"""GitLab Trigger: where the hooks of a project are, and its events."""

from typing import Any, Final

from runtime.integrations.filters import FILTERS
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string

_ALL: Final = (
    "note", "confidential_issues", "confidential_note", "deployment", "issues", "job", "merge_requests", "pipeline", "push",
    "releases", "tag_push", "wiki_page",
)  # fmt: skip
_PUSH: Final = "push_events"


def hooks(scope: Scope) -> str:
    """Return the address of the hooks of the project."""
    owner, name = (js_string(scope.parameters.get(each) or "") for each in ("owner", "repository"))
    return f"/projects/{FILTERS['quote'](f'{owner}/{name}')}/hooks"


def wanted(scope: Scope) -> list[Any]:
    """Return the events that are wanted, each by name."""
    given = scope.parameters.get("events") or []
    return list(_ALL) if "*" in given else list(given)


def events(scope: Scope) -> dict[str, bool]:
    """Return the events that are wanted as members of a hook."""
    chosen = {f"{each}_events": True for each in wanted(scope)}
    return chosen if _PUSH in chosen else {**chosen, _PUSH: False}  # GitLab's own default is true
