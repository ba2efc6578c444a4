"""Trying a run again: the version, the place to begin at, and the state to go on with."""

from typing import Any

from api.answers import RetryRequest
from api.ports import Ports
from api.problems import NotRetriable, UnknownTemplate
from api.starting import Order, uuid7
from runtime.platform.runs import Run
from runtime.retrying import CannotRetryError, first_items, state_from_node

__all__ = ["again"]


async def again(run: Run, wanted: RetryRequest, ports: Ports, told: dict[str, Any] | None) -> Order:
    """The order of the new run. `told` is what the run tells of its state; None: no worker answered.

    Raises:
        NotRetriable: the run cannot go on from there.
        UnknownTemplate: the version is gone.
    """
    if told is None or not told.get("state"):
        raise NotRetriable("Nobody can say what the run had done: no worker answers, or it ended before it began.")
    original = await ports.store.by_hash(run.tenant, run.template, run.plan_hash)
    chosen = original if wanted.with_version == "original" else await ports.templates.current(run.tenant, run.template)
    if original is None or chosen is None:
        raise UnknownTemplate(f"Template {run.template!r} has no such version any more.", available=[])
    state: dict[str, Any] = told["state"]
    begun = state["order"][0][0] if state.get("order") else None
    if begun is None:
        raise NotRetriable("The run ended before its first node; start the template anew.")
    if begun not in chosen.plan.step:
        raise NotRetriable(f"The version has no node {begun!r}, at which the run began.")
    items = first_items(state)
    carried = None
    if not wanted.from_start:
        try:
            carried = state_from_node(state, original.plan, chosen.plan, wanted.from_node)
        except CannotRetryError as error:
            raise NotRetriable(str(error)) from error
    return Order(
        tenant=run.tenant,
        template=chosen,
        start=begun,
        trigger_kind="retry",
        mode=told.get("mode") or "trigger",
        items=[] if carried else items,
        run=uuid7(),
        user_id=run.user_id,
        state=carried,
        retry_of=run.id,
    )
