"""Mailchimp Trigger: what a webhook is for, and the changes that are wanted."""

from collections.abc import Mapping
from typing import Any

from runtime.contract import NodeError
from runtime.integrations.mailchimp.functions import data_centre
from runtime.integrations.scope import Scope

__all__ = ["data_centre", "events", "items", "sources"]


def events(scope: Scope) -> dict[str, bool]:
    """Return the events as members."""
    return dict.fromkeys(scope.parameters.get("events") or [], True)


def sources(scope: Scope) -> dict[str, bool]:
    """Return who may have changed something, as members."""
    return dict.fromkeys(scope.parameters.get("sources") or [], True)


def items(scope: Scope) -> list[Any]:
    """Return the change when its kind is one that the webhook was made for. Raise NodeError for a webhook that was not made."""
    body, wanted = scope.names["body"], scope.names["state"].get("events")
    if wanted is None or not isinstance(body, Mapping):
        raise NodeError("The webhook at Mailchimp was not made here: activate the template again")
    return [dict(body)] if body.get("type") in wanted else []
