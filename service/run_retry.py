"""Retrying a run: the version, the node to begin at, and the state to continue with."""

from dataclasses import dataclass
from typing import Any, Literal

from runtime.engine.retry_state import CannotRetryError, first_items, state_from_node
from schemas.kinds import Mode, TriggerKind
from service.errors import NotRetriableError, VersionGoneError
from service.run_reader import RunDescription
from service.run_start import RunRequest, uuid7
from service.template_cache import TemplateCache

__all__ = ["RetryChoice", "retry_request"]


@dataclass(frozen=True)
class RetryChoice:
    """The node at which a retry begins, and the version. `from_node` None: the node that failed."""

    from_node: str | None = None
    from_start: bool = False
    with_version: Literal["original", "current"] = "original"


async def retry_request(
    run: RunDescription, choice: RetryChoice, templates: TemplateCache, answer: dict[str, Any] | None
) -> RunRequest:
    """Return the request for the new run. `answer` is the run's answer to the state query; None: no worker answered.

    Raises:
        NotRetriableError: the run cannot continue from there.
        VersionGoneError: the version does not exist any more.
    """
    if answer is None or not answer.get("state"):
        raise NotRetriableError("The run's state is not known: no worker answers, or it ended before it began.")
    original = await templates.store.by_hash(run.tenant, run.template, run.plan_hash)
    template = original if choice.with_version == "original" else await templates.current(run.tenant, run.template)
    if original is None or template is None:
        raise VersionGoneError(f"Template {run.template!r} has no such version any more.")
    state: dict[str, Any] = answer["state"]
    first_node = state["order"][0][0] if state.get("order") else None
    if first_node is None:
        raise NotRetriableError("The run ended before its first node; start the template anew.")
    if first_node not in template.plan.step:
        raise NotRetriableError(f"The version has no node {first_node!r}, at which the run began.")
    items = first_items(state)
    state_to_continue = None
    if not choice.from_start:
        try:
            state_to_continue = state_from_node(state, original.plan, template.plan, choice.from_node)
        except CannotRetryError as error:
            raise NotRetriableError(str(error)) from error
    return RunRequest(
        tenant=run.tenant,
        template=template,
        start=first_node,
        trigger_kind=TriggerKind.RETRY,
        mode=Mode(answer.get("mode") or Mode.TRIGGER),
        items=[] if state_to_continue else items,
        run=uuid7(),
        user_id=run.user_id,
        state=state_to_continue,
        retry_of=run.id,
    )
