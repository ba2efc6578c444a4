"""Texts that UTF-8 has no bytes for: JavaScript cuts an emoji in half. A sealed column refuses what a clear one does."""

import uuid

import pytest

from runtime.platform.keys import keyring
from runtime.platform.postgres import Database
from runtime.platform.settings import Settings
from service.columns import Columns
from service.storable import storable_text
from service.tenant_keys import TenantDataKeys

HALF = "a\ud83d"
PLACE = ("table", "key", "column")


async def test_half_an_emoji_is_refused_and_its_digest_is_one(database: Database, service: Settings) -> None:
    tenant = f"t{uuid.uuid4().hex}"
    async with database.tenant_transaction(tenant) as connection:
        await connection.execute("insert into tenants (id) values (%s)", (tenant,))
    await TenantDataKeys(database, keyring(service)).rotate(tenant)
    columns = await Columns.of(database, tenant)
    assert columns.active
    assert columns.digests(HALF) == columns.digests(HALF)
    for text in (HALF, HALF * 5000):
        with pytest.raises(UnicodeEncodeError):
            columns.pair(PLACE, text)
        clear, sealed = columns.pair(PLACE, storable_text(text))
        assert clear is None
        assert columns.text(PLACE, clear, sealed) == storable_text(text)
