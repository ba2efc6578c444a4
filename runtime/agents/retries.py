"""When the call of a vendor's service is repeated: after a durable pause, a few times."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Sleep

RETRIES: Final = 2


def pause_before_retry(error: Mapping[str, Any] | None, attempt: int) -> Sleep | None:
    """Return the pause before a call is repeated that ended in this error; None: it is not repeated.

    `attempt`: how often it was repeated already.
    """
    if error is None or not error.get("retryable") or attempt >= RETRIES:
        return None
    return Sleep(seconds=error.get("retryAfter") or 2.0**attempt)
