"""Texts that UTF-8 has no bytes for: JavaScript cuts an emoji in half, and what it leaves is stored and found like any text."""

import uuid

from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.columns import Columns
from service.tenant_keys import TenantDataKeys

HALF = "a\ud83d"
PLACE = ("table", "key", "column")


async def test_half_an_emoji_is_sealed_hashed_and_opened(database: Database, service: Settings) -> None:
    tenant = f"t{uuid.uuid4().hex}"
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("insert into tenants (id) values (%s)", (tenant,))
    await TenantDataKeys(database, keyring(service)).rotate(tenant)
    columns = await Columns.of(database, tenant)
    assert columns.active
    for text in (HALF, HALF * 5000):
        clear, sealed = columns.pair(PLACE, text)
        assert clear is None
        assert columns.text(PLACE, clear, sealed) == text
        assert columns.digests(text) == columns.digests(text)
