"""Postgres: statements on a server of the tenant's. One class per shape: 1, and 2 to 2.7."""

from runtime.nodes.postgres.v1 import PostgresV1
from runtime.nodes.postgres.v2 import Postgres

__all__ = ["Postgres", "PostgresV1"]
