"""Embedded servers: Temporal and Postgres from wheels, in one supervised process tree (`vault` has OpenBao, by an extra)."""

from runtime.platform.embedded.postgres import EmbeddedPostgres
from runtime.platform.embedded.process import EmbeddedError
from runtime.platform.embedded.profile import Addresses, EmbeddedBusy, EmbeddedProfile, attached, running
from runtime.platform.embedded.temporal import EmbeddedTemporal

__all__ = [
    "Addresses",
    "EmbeddedBusy",
    "EmbeddedError",
    "EmbeddedPostgres",
    "EmbeddedProfile",
    "EmbeddedTemporal",
    "attached",
    "running",
]
