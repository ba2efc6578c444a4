"""What is the same in all runs of a plan: its connections, and its steps once they were prepared."""

from typing import Final

from runtime.engine.graph import Graph
from runtime.interpreter.prepared_step import PreparedStep
from schemas.node import Catalog
from schemas.plan import Plan

__all__ = ["PreparedPlan", "prepared_plan"]

_KEY: Final = "_prepared_plan"
"""Where a plan has its own among its attributes. It is no field: no document has it, and no comparison sees it."""


class PreparedPlan:
    """Derived from a plan and nothing else, so that runs at the same time, in several threads, may share it."""

    def __init__(self, plan: Plan, catalog: Catalog) -> None:
        self.plan, self.catalog = plan, catalog
        self.graph = Graph(plan)
        self.steps: dict[str, PreparedStep] = {}


def prepared_plan(plan: Plan, catalog: Catalog) -> PreparedPlan:
    """Return what the runs of a plan share in this process."""
    prepared = vars(plan).get(_KEY)
    # a copy of a plan (`model_copy`) has the attributes of the original
    if not isinstance(prepared, PreparedPlan) or prepared.plan is not plan or prepared.catalog is not catalog:
        prepared = vars(plan)[_KEY] = PreparedPlan(plan, catalog)
    return prepared
