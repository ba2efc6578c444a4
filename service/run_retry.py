"""Trying a run again: the version, the place to begin at, and the state to go on with."""

from dataclasses import dataclass
from typing import Any, Literal

from runtime.engine.retry_state import CannotRetryError, first_items, state_from_node
from schemas.kinds import Mode, TriggerKind
from service.errors import NotRetriableError, VersionGoneError
from service.run_reader import Run
from service.run_start import Order, uuid7
from service.template_cache import TemplateCache

__all__ = ["RetryChoice", "retry_order"]


@dataclass(frozen=True)
class RetryChoice:
    """Where a retry begins, and under which version. `from_node` None: at the node that failed."""

    from_node: str | None = None
    from_start: bool = False
    with_version: Literal["original", "current"] = "original"


async def retry_order(run: Run, choice: RetryChoice, templates: TemplateCache, answer: dict[str, Any] | None) -> Order:
    """Return the order of the new run. `answer` is the run's answer to the state query; None: no worker answered.

    Raises:
        NotRetriableError: the run cannot go on from there.
        VersionGoneError: the version does not exist any more.
    """
    if answer is None or not answer.get("state"):
        raise NotRetriableError("Nobody can say what the run had done: no worker answers, or it ended before it began.")
    original = await templates.store.by_hash(run.tenant, run.template, run.plan_hash)
    chosen = original if choice.with_version == "original" else await templates.current(run.tenant, run.template)
    if original is None or chosen is None:
        raise VersionGoneError(f"Template {run.template!r} has no such version any more.")
    state: dict[str, Any] = answer["state"]
    begun = state["order"][0][0] if state.get("order") else None
    if begun is None:
        raise NotRetriableError("The run ended before its first node; start the template anew.")
    if begun not in chosen.plan.step:
        raise NotRetriableError(f"The version has no node {begun!r}, at which the run began.")
    items = first_items(state)
    carried = None
    if not choice.from_start:
        try:
            carried = state_from_node(state, original.plan, chosen.plan, choice.from_node)
        except CannotRetryError as error:
            raise NotRetriableError(str(error)) from error
    return Order(
        tenant=run.tenant,
        template=chosen,
        start=begun,
        trigger_kind=TriggerKind.RETRY,
        mode=Mode(answer.get("mode") or Mode.TRIGGER),
        items=[] if carried else items,
        run=uuid7(),
        user_id=run.user_id,
        state=carried,
        retry_of=run.id,
    )
