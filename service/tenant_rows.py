"""The rows that a tenant begins with: whoever makes one makes them all."""

from runtime.platform.postgres import Connection

__all__ = ["insert_tenant"]


async def insert_tenant(connection: Connection, tenant: str, name: str) -> bool:
    """Insert a tenant that will get a data key, in a transaction of its own rows; return False when it exists."""
    cursor = await connection.execute(
        "insert into tenants (id, name) values (%s, %s) on conflict (id) do nothing", (tenant, name)
    )
    if cursor.rowcount != 1:
        return False
    await connection.execute("insert into tenant_sealing (tenant_id) values (%s)", (tenant,))
    return True
