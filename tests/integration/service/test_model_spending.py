"""Limits of models over the table: per step, run, and tenant and day; a tenant sees and fills its own sums only."""

import uuid
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.contract import LimitReached
from runtime.hosts.temporal.capabilities.models import WorkerModels
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from schemas.task import Task
from service.model_spending import ModelSpending


def models(database: Database, tenant: str, limits: str, run: str | None = None) -> WorkerModels:
    settings = Settings.load({"TEMPOR8_MODEL_LIMITS": limits})
    resources = cast(WorkerResources, SimpleNamespace(settings=settings, database=database))
    return WorkerModels(resources, cast(Task, {"meta": {"tenant": tenant, "execution_id": run or uuid.uuid4().hex}}))


async def spend(models: WorkerModels, node: str = "A/0", **spent: Any) -> None:
    await models.spend(node, **{"tokens": 0, "cost_usd": None, "seconds": 0.0, **spent})


@pytest.mark.parametrize(
    ("limit", "spent", "words"),
    [
        ("turns=1", {}, "1 model requests"),
        ("tokens=100", {"tokens": 150}, "100 model tokens"),
        ("cost_usd=0.5", {"cost_usd": 0.75}, "0.5 US dollars"),
        ("seconds=2", {"seconds": 2.5}, "2 seconds of model requests"),
    ],
)
@pytest.mark.parametrize(("scope", "of"), [("step", "one run of a node"), ("run", "one run"), ("day", "one day")])
async def test_no_request_begins_once_a_limit_is_reached(
    database: Database, scope: str, of: str, limit: str, spent: dict[str, Any], words: str
) -> None:
    own = f"t{uuid.uuid4().hex[:12]}"
    async with database.tenant_transaction(own) as connection:
        await connection.execute("insert into tenants (id) values (%s)", (own,))
    held = models(database, own, f"{own}:{scope}.{limit}")
    await held.admit("A/0", priced=True)
    await spend(held, **spent)
    with pytest.raises(LimitReached, match=f"The limit of {words} for {of} is reached") as reached:
        await held.admit("A/0", priced=True)
    assert reached.value.data["limit"]["scope"] == scope


async def test_steps_runs_and_tenants_have_sums_of_their_own(database: Database, tenants: tuple[str, str]) -> None:
    first, second = tenants
    run = uuid.uuid4().hex
    held = models(database, first, "step.turns=1,run.turns=2", run)
    await spend(held, "A/0")
    with pytest.raises(LimitReached, match="one run of a node"):
        await held.admit("A/0", priced=True)
    await held.admit("A/1", priced=True)
    await spend(held, "A/1")
    with pytest.raises(LimitReached, match="for one run is"):
        await held.admit("B/0", priced=True)
    await models(database, second, "step.turns=1,run.turns=2", run).admit("A/0", priced=True)


async def test_a_model_without_a_price_is_refused_where_money_is_limited(
    database: Database, tenants: tuple[str, str]
) -> None:
    with pytest.raises(LimitReached, match="no known price"):
        await models(database, tenants[0], "run.cost_usd=1").admit("A/0", priced=False)
    await models(database, tenants[0], "run.tokens=1").admit("A/0", priced=False)


async def test_without_limits_nothing_is_stored(database: Database, tenants: tuple[str, str]) -> None:
    run = uuid.uuid4().hex
    await spend(models(database, tenants[0], "", run))
    assert await ModelSpending(database).of(tenants[0], [("run", run)]) == {}
