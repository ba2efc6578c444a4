"""What a service bears of one credential."""

from dataclasses import dataclass

__all__ = ["RequestLimits"]


@dataclass(frozen=True)
class RequestLimits:
    """What a service bears of one credential, from all workers together."""

    requests: int
    """In each window of `seconds`."""
    seconds: float
    parallel: int | None = None
    """At a time; None: any number."""
    name: str = ""
    """What they are for, where a service has several: requests with other names are not counted along."""
