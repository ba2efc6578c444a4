"""A specialist's task within the agent loop: attempts at the agents service, and the specialist's limits."""

from collections.abc import Mapping
from typing import Any, Final, cast

from runtime.agents.roots.root import CommandResult, Continue, Finish, ItemState, Root
from runtime.contract import ActivityContext, Call, DurableContext, NodeError, Sleep
from schemas.item import Json

__all__ = ["ATTEMPTS", "SpecialistTask", "check_tokens", "count_tokens", "iterations", "pause"]

ATTEMPTS: Final = 4
"""How often the agents service is asked at most: at once, and after 1, 2 and 4 seconds or its `Retry-After`."""


def pause(item_state: ItemState, reply: CommandResult) -> Sleep | None:
    """Return the durable pause before the next attempt at the agents service; None: its reply stands."""
    failed = item_state.get("dispatch_failures", 0) + 1
    if reply.error is None or not reply.error.get("retryable") or failed == ATTEMPTS:
        item_state.pop("dispatch_failures", None)
        return None
    item_state["dispatch_failures"] = failed
    return Sleep(seconds=reply.error.get("retryAfter") or 2.0 ** (failed - 1))


def iterations(brief: Mapping[str, Any], own: int) -> int:
    """Return how many model requests one item may use: the node's limit or the specialist's, whichever is lower."""
    limits = brief.get("limits")
    return min(own, limits["iterations"]) if limits else own


def count_tokens(item_state: ItemState, tokens: int) -> None:
    """Add the tokens of a request to those of the item, where its specialist has a limit."""
    if (item_state.get("brief") or {}).get("limits"):
        item_state["used_tokens"] = item_state.get("used_tokens", 0) + tokens


def check_tokens(item_state: ItemState) -> None:
    """Raise NodeError when the item has used what its specialist may use."""
    limits = (item_state.get("brief") or {}).get("limits")
    if limits and item_state.get("used_tokens", 0) >= limits["tokens"]:
        raise NodeError(
            f"The specialist '{item_state['agent']}' has used its limit of {limits['tokens']} tokens for one item",
            description="Give it less data or fewer tools, or raise `limits.tokens` in its file",
        )


class SpecialistTask(Root):
    """A root that may act as a specialist: it asks the agents service, else it gets the brief. Subclasses write `prepared`."""

    takes_specialist = True

    def prepared(
        self, context: DurableContext, item_state: ItemState, brief: Any, loaded: list[Any]
    ) -> Continue | Finish:
        """What follows once the specialist's `brief` (None: there is no specialist) and what the memory holds are there."""
        raise NotImplementedError

    def specialist_call(self, context: DurableContext, item_state: ItemState) -> Call:
        """The call that asks for the specialist's brief or answer."""
        given = {
            "slug": context.agent,
            "prompt": item_state["prompt"],
            "item": context.items[item_state["i"]]["json"],
            "id": self.identity(context, item_state),
        }
        return Call("specialist", cast(Json, given), item=item_state["i"])

    async def specialist(self, context: ActivityContext, payload: Json) -> Json:
        """The brief of the specialist that the notes name, or its answer when an agents service has it."""
        from runtime.agents import specialists  # noqa: PLC0415 - YAML and jinja2 have no business in workflow code

        return cast(Json, await specialists.enlist(context, cast(dict[str, Any], payload)))

    def after_prepare(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """The conversation so far, then the first request. A busy agents service is asked again after a durable pause."""
        first, rest = (replies[0], replies[1:]) if context.agent is not None else (None, replies)
        if first is not None and (sleep := pause(item_state, first)) is not None:
            item_state["loaded"] = [reply.get() for reply in rest]
            return Continue("pause", [sleep])
        brief = first.get() if first is not None else None
        return self.prepared(context, item_state, brief, [reply.get() for reply in rest])

    def after_pause(self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]) -> Continue:
        """The next attempt at the agents service."""
        del replies
        return Continue("dispatch", [self.specialist_call(context, item_state)])

    def after_dispatch(
        self, context: DurableContext, item_state: ItemState, replies: list[CommandResult]
    ) -> Continue | Finish:
        """As `after_prepare`, with what the memory held."""
        if (sleep := pause(item_state, replies[0])) is not None:
            return Continue("pause", [sleep])
        return self.prepared(context, item_state, replies[0].get(), item_state.pop("loaded"))
