"""A clock of one fixed instant, for cases that were recorded on a certain day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runtime.hosts.local.offline import OfflineCapabilities
from runtime.sandbox.runner import CodeRunner

__all__ = ["FixedClock"]


class FixedClock:
    """Always the `now` of a case: an ISO instant, or milliseconds since the epoch."""

    def __init__(self, now: Any) -> None:
        self.instant = float(now) if isinstance(now, int | float) else datetime.fromisoformat(now).timestamp() * 1000

    def __call__(self) -> float:
        """Return milliseconds since the epoch."""
        return self.instant

    def capabilities(self) -> OfflineCapabilities:
        """Return capabilities of offline runs whose Code nodes see this clock."""
        return OfflineCapabilities(_CodeAt(self.instant))


class _CodeAt(CodeRunner):
    def __init__(self, instant: float) -> None:
        super().__init__()
        self.prefix = (
            "const Date = ((Real) => class Date extends Real { "
            f"constructor(...given) {{ given.length ? super(...given) : super({instant}) }} "
            f"static now() {{ return {instant} }} }})(globalThis.Date); "
            f"$now = DateTime.fromMillis({instant}); $today = $now.startOf('day'); "
        )

    async def run(self, task: Mapping[str, Any], language: str, code: str, mode: str, **options: Any) -> dict[str, Any]:
        """Run as CodeRunner does. The clock goes before the first line, so that errors keep their line numbers."""
        code = self.prefix + code if language == "javascript" else code
        return await super().run(task, language, code, mode, **options)
