"""A run's events as parts of its page: nodes and lines that change their colour, new steps, and what it waits for now."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Final, cast

import orjson
from litestar.response.sse import ServerSentEventMessage

from api.console.pages import render
from api.console.run_view import RunView, active_mark
from api.models import StepAnswer
from api.runs.events import Messages
from api.runs.status import active_of
from schemas.run import Journal

__all__ = ["PageEvents"]

END: Final = "run-end"
"""Name of the event after which the page loads the run once more, with its end."""


class PageEvents:
    """Makes messages for one page of what happens in a run.

    Args:
        view: the run as the page shows it.
        shown: the `active_mark` of the step that the page shows as active: it is not sent again, since somebody may be filling
            in the form that it has.
    """

    def __init__(self, view: RunView, shown: str) -> None:
        self._view, self._shown = view, shown
        self._states = view.states

    async def render(self, messages: Messages) -> Messages:
        """Yield unnamed messages that change the page, and a named one at the end. Comments go through."""
        async with contextlib.aclosing(cast("AsyncGenerator[ServerSentEventMessage, None]", messages)) as events:
            async for message in events:
                if message.event is None:
                    yield message
                elif message.event == "answer":
                    continue  # the page shows what is recorded
                elif message.event == "end":
                    yield ServerSentEventMessage(data="end", event=END, id=message.id)
                else:
                    yield ServerSentEventMessage(data=self._parts(message), id=message.id)

    def _parts(self, message: ServerSentEventMessage) -> str:
        data = orjson.loads(str(message.data))
        if message.event == "step":
            step = StepAnswer.model_validate(data)
            if step.sequence >= self._view.last_step:  # what was there when the stream began is counted
                self._states.add(step)
            return self._changes({step.node}, step)
        active = active_of(Journal(status="running", active=data["active"]))
        names, mark = set(self._states.set_active(active)), active_mark(active)
        if mark == self._shown:
            return self._changes(names)
        self._shown = mark
        return self._changes(names, active=active)

    def _changes(self, names: set[str], step: StepAnswer | None = None, **values: object) -> str:
        graph = self._view.graph
        nodes = [each for each in graph.nodes if each.name in names] if graph else []
        edges = [each for each in graph.edges if each.source in names and not each.is_ai] if graph else []
        return render(
            "run_changes", nodes=nodes, edges=edges, states=self._states, step=step, workflow_id=self._view.status.workflow_id,
            active=values.get("active", False),
        )  # fmt: skip
