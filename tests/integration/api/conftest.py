"""The fixtures of the running service."""

from tests.service import (
    acme,
    anonymous,
    api_keys,
    application,
    dependencies,
    globex,
    loopback,
    operator,
    published,
    worker,
)

__all__ = [
    "acme",
    "anonymous",
    "api_keys",
    "application",
    "dependencies",
    "globex",
    "loopback",
    "operator",
    "published",
    "worker",
]
