"""The limits that hold for a tenant, as its operator reads them: they are settings of the service."""

from typing import Final, NamedTuple

from runtime.platform.settings import Settings

__all__ = ["LimitRow", "limits_of"]

NONE: Final = "none"
MEASURES: Final = {
    "turns": "model requests",
    "tokens": "tokens",
    "cost_usd": "US dollars of models",
    "seconds": "seconds of models",
}
SCOPES: Final = {"step": "per step", "run": "per run", "day": "per day (UTC)"}


class LimitRow(NamedTuple):
    """A limit in words, its value, and the variable that sets it."""

    name: str
    value: str
    setting: str


def limits_of(settings: Settings, tenant: str) -> list[LimitRow]:
    """Return the limits of a tenant."""
    runs = settings.run_limit_of(tenant)
    rates = (
        ("Requests per second and key", settings.key_rate, "TEMPOR8_KEY_RATE"),
        ("Requests per second", settings.tenant_rate, "TEMPOR8_TENANT_RATE"),
        ("Starts per second", settings.start_rate, "TEMPOR8_START_RATE"),
    )
    return [
        LimitRow("Runs at a time", NONE if runs is None else f"{runs:,}", "TEMPOR8_TENANT_RUNS"),
        LimitRow("Task queue", settings.queue_of(tenant), "TEMPOR8_TENANT_QUEUES"),
        *(LimitRow(name, f"{rate:g}" if rate else NONE, setting) for name, rate, setting in rates),
        LimitRow("Starts at a time", f"{settings.starts_per_tenant:,}", "TEMPOR8_STARTS_PER_TENANT"),
        LimitRow("Share of a worker's steps", f"{settings.step_share:.0%}", "TEMPOR8_STEP_SHARE"),
        LimitRow("Share of a worker's children for code", f"{settings.code_share:.0%}", "TEMPOR8_CODE_SHARE"),
        *(
            LimitRow(
                f"{MEASURES[each.measure]} {SCOPES[each.scope]}".capitalize(),
                f"{each.allowed:,g}",
                "TEMPOR8_MODEL_LIMITS",
            )
            for each in settings.model_limits.of(tenant)
        ),
    ]
