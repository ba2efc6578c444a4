"""What model requests have used, by step, run and day: the table `model_spending`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from runtime.platform.postgres import Database

__all__ = ["ModelSpending", "Spent"]

_ADD: Final = (
    "insert into model_spending (tenant_id, scope, key, turns, tokens, cost_usd, seconds)"
    " values (%s, %s, %s, %s, %s, %s, %s) on conflict (tenant_id, scope, key) do update set"
    " turns = model_spending.turns + excluded.turns, tokens = model_spending.tokens + excluded.tokens,"
    " cost_usd = model_spending.cost_usd + excluded.cost_usd, seconds = model_spending.seconds + excluded.seconds,"
    " updated_at = now()"
)


@dataclass(frozen=True)
class Spent:
    """Use by model requests. `cost_usd` is that of requests with a known price."""

    turns: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    seconds: float = 0.0


class ModelSpending:
    """Sums by scope (`step`, `run`, `day`) and key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tenant: str, places: Sequence[tuple[str, str]], spent: Spent) -> None:
        """Add to the sums of these places, (scope, key). Raises DatabaseUnavailable: none was added."""
        # the day last: its row is the one that others wait for
        ordered = sorted(places, key=lambda place: place[0] == "day")
        rows = [(tenant, *place, spent.turns, spent.tokens, spent.cost_usd, spent.seconds) for place in ordered]
        async with self._database.tenant_transaction(tenant) as connection, connection.cursor() as cursor:
            await cursor.executemany(_ADD, rows)

    async def of(self, tenant: str, places: Sequence[tuple[str, str]]) -> Mapping[str, Spent]:
        """Return the sum of each place by its scope; one that has none is absent. Raises DatabaseUnavailable."""
        async with self._database.tenant_transaction(tenant) as connection:
            cursor = await connection.execute(
                "select scope, turns, tokens, cost_usd::float8 as cost_usd, seconds from model_spending"
                " where tenant_id = %s and (scope, key) in (select * from unnest(%s::text[], %s::text[]))",
                (tenant, [scope for scope, _ in places], [key for _, key in places]),
            )
            rows = await cursor.fetchall()
        return {row["scope"]: Spent(row["turns"], row["tokens"], row["cost_usd"], row["seconds"]) for row in rows}
