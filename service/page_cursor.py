"""Cursors of pages that are ordered by time and id, newest first: the place of the last row of the page before."""

import base64
import binascii
from datetime import datetime

__all__ = ["BadCursor", "page_cursor", "parse_cursor"]


class BadCursor(ValueError):
    """A cursor that `page_cursor` did not return."""

    def __init__(self) -> None:
        super().__init__("the cursor is not one of ours")


def page_cursor(at: datetime, id_: str) -> str:
    """Return the cursor of the page that follows a row."""
    return base64.urlsafe_b64encode(f"{at.isoformat()}|{id_}".encode()).decode().rstrip("=")


def parse_cursor(cursor: str) -> tuple[datetime, str]:
    """Return time and id of a row. Raises BadCursor."""
    try:
        when, _, id_ = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition("|")
        at = datetime.fromisoformat(when)
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
    if at.tzinfo is None or not id_:
        raise BadCursor
    return at, id_
