"""What runs share of a plan: nothing that another plan, or a changed copy of it, would see."""

from runtime.catalog import CATALOG
from runtime.interpreter.prepared_plan import prepared_plan
from schemas.plan import Plan


def test_the_runs_of_a_plan_share_what_is_derived_from_it() -> None:
    plan = Plan(name="p", steps=())
    before = plan.canonical()
    assert prepared_plan(plan, CATALOG) is prepared_plan(plan, CATALOG)
    assert plan.canonical() == before
    assert plan == Plan(name="p", steps=())


def test_a_changed_copy_of_a_plan_shares_nothing_with_it() -> None:
    """A plan of an earlier version gets today's facts by such a copy."""
    plan = Plan(name="p", steps=())
    own = prepared_plan(plan, CATALOG)
    copy = plan.model_copy(update={"name": "q"})
    assert prepared_plan(copy, CATALOG) is not own
    assert prepared_plan(copy, CATALOG).plan is copy
    assert prepared_plan(plan, CATALOG) is own
