"""What a database server answers: rows as it wrote them, or an error. Clients give it, nodes read it."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["DatabaseError", "SqlColumn", "SqlResult"]


@dataclass(frozen=True)
class SqlColumn:
    """A column of a result: its name, and the number of its type (Postgres: its OID; MySQL: its protocol type)."""

    name: str
    type: int
    binary: bool = False
    """MySQL: bytes that are no text."""
    length: int = 0
    """MySQL: the display width, 1 of `tinyint(1)`."""


@dataclass(frozen=True)
class SqlResult:
    """What one statement gave. `rows` have a cell per column, in the server's text form; None: NULL."""

    columns: Sequence[SqlColumn] = ()
    rows: Sequence[Sequence[str | bytes | None]] = ()
    affected: int = 0
    """Rows that the statement changed."""
    last_id: int = 0
    """MySQL: the number that AUTO_INCREMENT gave to the first inserted row."""
    warnings: int = 0
    """MySQL."""
    message: str = ""
    """MySQL: what the server says about the statement."""


class DatabaseError(Exception):
    """The server refuses, cannot be reached, or gives more than may be read. `message` is the server's where it has one."""

    def __init__(
        self, message: str, *, code: str | None = None, detail: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.detail, self.hint = message, code, detail, hint
