"""Retrying a run: the version, the node to begin at, and the state to continue with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from runtime.engine.retry_state import CannotRetryError, Edit, first_items, state_from_node
from schemas.kinds import Mode, TriggerKind
from service.errors import NotRetriableError, VersionGoneError
from service.run_archive import ArchivedRun
from service.run_reader import RunDescription
from service.run_start import RunRequest, uuid7
from service.template_cache import TemplateCache

__all__ = ["RetryChoice", "RetrySource", "retry_request"]


@dataclass(frozen=True)
class RetryChoice:
    """The node at which a retry begins, and the version. `from_node` None: the node that failed."""

    from_node: str | None = None
    from_start: bool = False
    with_version: Literal["original", "current"] = "original"
    edit: Edit | None = None
    """Changes the items that the retry begins with."""


@dataclass(frozen=True)
class RetrySource:
    """What is known of a run that is to be tried again."""

    first_node: str | None
    """The node at which it began."""
    items: Sequence[Mapping[str, Any]]
    """n8n items that the node passed on."""
    mode: Mode
    state: dict[str, Any] | None
    """The engine's state at the end; None: only a retry from the start is possible."""

    @classmethod
    def of_answer(cls, answer: Mapping[str, Any] | None) -> "RetrySource | None":
        """Return the source of a run's answer to the state query (`{state, mode}`); None: it has no state."""
        state = answer.get("state") if answer else None
        if answer is None or not state:
            return None
        order = state.get("order")
        mode = Mode(answer.get("mode") or Mode.TRIGGER)
        return cls(order[0][0] if order else None, first_items(state) if order else [], mode, state)

    @classmethod
    def of_archive(cls, archived: ArchivedRun, state: Mapping[str, Any] | None) -> "RetrySource | None":
        """Return the source of a run that Temporal does not know any more. `state`: `{state, mode}` that a failed run left."""
        if state is not None:
            return cls.of_answer(state)
        start = archived.start
        if start is None:
            return None
        if (carried := cls.of_answer(start)) is not None:  # it was a retry itself, or continued as new
            return replace(carried, state=None)
        result = archived.outcome.result
        steps = result.journal.since(0) if result else []
        first = start.get("start") or (steps[0][1].node if steps and steps[0][0] == 0 else None)
        return cls(first, start.get("items") or [], Mode(start.get("mode") or Mode.TRIGGER), None)


async def retry_request(
    run: RunDescription, choice: RetryChoice, templates: TemplateCache, source: RetrySource | None
) -> RunRequest:
    """Return the request for the new run. `source` None: nothing is known of what the run did.

    Raises:
        NotRetriableError: the run cannot continue from there.
        VersionGoneError: the version does not exist any more.
    """
    if source is None:
        raise NotRetriableError("The run's state is not known: no worker answers, or it ended before it began.")
    original = await templates.store.by_hash(run.tenant, run.template, run.plan_hash)
    template = original if choice.with_version == "original" else await templates.current(run.tenant, run.template)
    if original is None or template is None:
        raise VersionGoneError(f"Template {run.template!r} has no such version any more.")
    first_node = source.first_node
    if first_node is None:
        raise NotRetriableError("The run ended before its first node; start the template anew.")
    if first_node not in template.plan.step:
        raise NotRetriableError(f"The version has no node {first_node!r}, at which the run began.")
    state_to_continue, items = None, source.items
    if choice.from_start and choice.edit is not None:
        items = choice.edit([*source.items])  # type: ignore[list-item]  # items as JSON
    if not choice.from_start:
        if source.state is None:
            raise NotRetriableError(
                "No worker tells what the run had done, or Temporal has no record of it any more; only failed runs leave what "
                "a retry from a node needs. Begin at the start (from_start), or start a worker."
            )
        try:
            state_to_continue = state_from_node(
                source.state, original.plan, template.plan, choice.from_node, choice.edit
            )
        except CannotRetryError as error:
            raise NotRetriableError(str(error)) from error
    return RunRequest(
        tenant=run.tenant,
        template=template,
        start=first_node,
        trigger_kind=TriggerKind.RETRY,
        mode=source.mode,
        items=[] if state_to_continue else items,
        run=uuid7(),
        user_id=run.user_id,
        state=state_to_continue,
        retry_of=run.id,
    )
