"""The key that `tempor8 dev` prints: one for every start, until it is revoked."""

from pathlib import Path

from cli.verbs.dev import TENANT, api_key
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from service.tenants import TenantStore


async def test_a_restart_prints_the_same_key(database: Database, keys: Keyring, tmp_path: Path) -> None:
    """A new one each time would leave a list of keys with every scope behind."""
    tenants, file = TenantStore(database, keys), tmp_path / "dev-api-key"
    await tenants.create(TENANT, "Development")
    first = await api_key(tenants, file)
    assert await api_key(tenants, file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    (issued,) = [each for each in await tenants.keys(TENANT) if each.name == "dev"]
    await tenants.revoke(TENANT, str(issued.id))
    second = await api_key(tenants, file)
    assert second != first
    assert await tenants.verify(second) is not None
    file.write_bytes(b"\xff not a key")
    assert await api_key(tenants, file) not in {first, second}
