"""The service with every wall that stands between a run and its answer taken away, for `bench.walls` alone: `worker` or `serve`.

What settings switch off is switched off by `OPEN`; the rest is replaced here, in this process only.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from cli.main import main
from runtime.hosts.temporal.deaths import TaskGuard
from runtime.platform.egress import EgressPolicy
from runtime.sandbox.tenant_slots import TenantSlots

__all__ = ["OPEN"]

OPEN: Final[Mapping[str, str]] = {
    "TEMPOR8_ENCRYPT_PAYLOADS": "0", "TEMPOR8_KEY_RATE": "1000000", "TEMPOR8_TENANT_RATE": "1000000", "TEMPOR8_START_RATE": "1000000",
    "TEMPOR8_UNKNOWN_RATE": "1000000", "TEMPOR8_STEP_SHARE": "1", "TEMPOR8_CODE_SHARE": "1",
}  # fmt: skip


@contextlib.asynccontextmanager
async def _open(*_: Any, **__: Any) -> AsyncIterator[None]:
    yield


if __name__ == "__main__":
    TenantSlots.hold = _open  # type: ignore[method-assign]
    TaskGuard.step = _open  # type: ignore[method-assign]
    EgressPolicy.check_port = lambda *_: None  # type: ignore[method-assign]
    main()
