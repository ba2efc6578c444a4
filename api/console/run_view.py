"""What the page of a run shows, put together from the answers that REST gives of it."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.answers.answers import GivenAnswer, read_answers
from api.console.graph import Graph, graph_of
from api.console.node_states import NodeStates
from api.dependencies import Dependencies
from api.models import ActiveStep, HistoryAnswer, StatusAnswer, StepAnswer
from api.runs.actions import read_history, read_status
from schemas.plan import Plan
from service.run_problems.finder import ProblemFinder
from service.run_reader import TemporalRuns

__all__ = ["RunView", "active_mark", "read_view"]

STEPS_PER_PAGE: Final = 100


@dataclass(frozen=True)
class RunView:
    """A run, its steps, and the graph of its plan."""

    status: StatusAnswer
    history: HistoryAnswer
    plan: Plan | None
    """None: the plan was never published, so there is no graph."""
    graph: Graph | None
    states: NodeStates
    answers: Sequence[GivenAnswer] = ()
    """Who has answered what the run waited for."""

    @property
    def is_open(self) -> bool:
        """Return whether the run has not ended."""
        return self.status.closed_at is None

    @property
    def has_agents(self) -> bool:
        """Return whether nodes of the plan ask models, or have done so."""
        return bool(self.history.usage) or any(
            "ai_languageModel" in step.subnodes for step in (self.plan.steps if self.plan else ())
        )

    @property
    def mark(self) -> str:
        """Return the mark of the active step, see `active_mark`."""
        return active_mark(self.history.active)

    @property
    def failed_step(self) -> StepAnswer | None:
        """Return the step whose error is the run's; None: the run has no error, or one of no step."""
        error = self.status.error
        if error is None or error.node is None:
            return None
        return next((step for step in reversed(self.history.steps) if step.error and step.node == error.node), None)

    @property
    def other_errors(self) -> list[StepAnswer]:
        """Return the other steps that failed, the latest first."""
        known = self.failed_step
        return [step for step in reversed(self.history.steps) if step.error is not None and step is not known]

    @property
    def last_step(self) -> int:
        """Return the number of the last step that is known, as events count: from 1 on."""
        return self.history.steps[-1].sequence + 1 if self.history.steps else 0

    def page_of_steps(self, number: int) -> Sequence[StepAnswer]:
        """Return a page of the steps, the latest first; pages count from 1."""
        newest = self.history.steps[::-1]
        return newest[(number - 1) * STEPS_PER_PAGE : number * STEPS_PER_PAGE]

    def page_of(self, step: StepAnswer) -> int:
        """Return the page that a step is on."""
        place = next(place for place, each in enumerate(reversed(self.history.steps)) if each is step)
        return place // STEPS_PER_PAGE + 1

    @property
    def step_pages(self) -> int:
        """Return how many pages of steps there are."""
        return max(1, -(-len(self.history.steps) // STEPS_PER_PAGE))


def active_mark(active: ActiveStep | None) -> str:
    """Return what tells one active step from another: what a page says of it is the same while this is."""
    if active is None:
        return ""
    reason = active.reason
    until = reason.until.timestamp() if reason and reason.until else ""
    text = f"{active.node}#{active.run}#{active.attempt}#{active.waiting}#{reason.kind if reason else ''}#{until}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


async def read_view(
    tenant: str, workflow_id: str, dependencies: Dependencies, runs: TemporalRuns, finder: ProblemFinder
) -> RunView:
    """Return what is known of a run.

    Raises:
        UnknownRun: the tenant has no such run.
    """
    status, history, answers = await asyncio.gather(
        read_status(tenant, workflow_id, dependencies, runs, finder),
        read_history(tenant, workflow_id, dependencies, runs, finder),
        read_answers(tenant, workflow_id, dependencies),
    )
    template = await dependencies.store.by_hash(tenant, status.workflow_template, status.plan_hash)
    plan = template.plan if template else None
    graph = (
        graph_of(plan, await dependencies.store.notes(tenant, status.plan_hash, dependencies.catalog)) if plan else None
    )
    return RunView(status, history, plan, graph, NodeStates(history.steps, history.active), answers)
