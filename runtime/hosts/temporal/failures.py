"""What a failure of Temporal says."""

__all__ = ["cause_of"]


def cause_of(error: BaseException) -> str:
    """Return the message of what is at the bottom of an error."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)
