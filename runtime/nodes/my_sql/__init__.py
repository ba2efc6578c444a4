"""MySQL: statements on a server of the tenant's. One class per shape: 1, and 2 to 2.5."""

from runtime.nodes.my_sql.v1 import MySqlV1
from runtime.nodes.my_sql.v2 import MySql

__all__ = ["MySql", "MySqlV1"]
