"""How long a service asks to wait: `Retry-After` of RFC 9110, section 10.2.3, with 429 (RFC 6585) and 503."""

from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final

__all__ = ["retry_after"]

STATUSES: Final = (429, 503)
MAX_CHARACTERS: Final = 64
"""Of a value: a date has 29."""


def retry_after(status: int, headers: Sequence[tuple[str, str]], now: float) -> float | None:
    """Return the seconds after which a request may be sent again; None where the response does not say, or says nonsense.

    Args:
        status: of the response.
        headers: names and values.
        now: seconds since the epoch.
    """
    if status not in STATUSES:
        return None
    value = next((value.strip() for name, value in headers if name.lower() == "retry-after"), "")
    if not value or len(value) > MAX_CHARACTERS or not value.isascii():
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
