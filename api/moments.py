"""Moments in requests, which may come without a time zone or beyond the calendar."""

from datetime import UTC, datetime, timedelta
from typing import Final

from api.problems import BadRequest

__all__ = ["since_or_week", "utc"]

WEEK: Final = timedelta(days=7)


def utc(moment: datetime | None, name: str) -> datetime | None:
    """Return a moment in UTC, which is what one without a zone is taken for. Raises BadRequest: it is beyond the calendar."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise BadRequest(f"{name}: the time is beyond the calendar.") from error


def since_or_week(moment: datetime | None) -> datetime:
    """Return a moment in UTC; None: seven days ago. Raises BadRequest."""
    return utc(moment, "since") or datetime.now(UTC) - WEEK
