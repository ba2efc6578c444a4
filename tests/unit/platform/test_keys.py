"""Envelope encryption: who can open what, and what a nonce may give away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.keys import Keyring, Purpose, SealError, keyring, new_master_key
from runtime.platform.sealing import digest
from runtime.platform.settings import Settings

KEYS = Keyring([new_master_key()])


@given(st.binary(max_size=4096), st.text(max_size=64), st.sampled_from(list(Purpose)), st.booleans())
def test_what_is_sealed_opens_again(data: bytes, tenant: str, purpose: Purpose, same: bool) -> None:
    assert KEYS.open(tenant, purpose, KEYS.seal(tenant, purpose, data, deterministic=same)) == data


@given(st.binary(min_size=1, max_size=256), st.data())
def test_a_changed_bit_does_not_open(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(KEYS.seal("acme", Purpose.PAYLOAD, plain))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SealError):
        KEYS.open("acme", Purpose.PAYLOAD, bytes(sealed))


def test_another_tenant_and_another_purpose_do_not_open() -> None:
    sealed = KEYS.seal("acme", Purpose.PAYLOAD, b"x")
    for tenant, purpose in (("globex", Purpose.PAYLOAD), ("acme", Purpose.CREDENTIAL), ("acm", Purpose.PAYLOAD)):
        with pytest.raises(SealError):
            KEYS.open(tenant, purpose, sealed)


def test_equal_plaintexts_look_equal_only_when_asked_and_only_within_a_tenant() -> None:
    def seal(tenant: str, *, same: bool) -> bytes:
        return KEYS.seal(tenant, Purpose.BLOB, b"x" * 100, deterministic=same)

    assert seal("acme", same=True) == seal("acme", same=True)
    assert seal("acme", same=True) != seal("globex", same=True)
    assert seal("acme", same=False) != seal("acme", same=False)
    assert KEYS.fingerprint("acme", Purpose.BLOB, b"x") != KEYS.fingerprint("globex", Purpose.BLOB, b"x")


def test_a_retired_key_opens_and_the_current_one_seals() -> None:
    old, new = new_master_key(), new_master_key()
    before, after = Keyring([old]), Keyring([new, old])
    assert after.open("acme", Purpose.BLOB, before.seal("acme", Purpose.BLOB, b"x")) == b"x"
    with pytest.raises(SealError, match="neither current nor retired"):
        before.open("acme", Purpose.BLOB, after.seal("acme", Purpose.BLOB, b"x"))
    assert before.fingerprint("acme", Purpose.API_KEY, b"k") in after.fingerprints("acme", Purpose.API_KEY, b"k")


@pytest.mark.parametrize("key", ["", "short", "c2hvcnQ=", "!" * 44, "A" * 40])
def test_a_malformed_master_key_is_an_error_that_does_not_show_it(key: str) -> None:
    with pytest.raises(SealError, match="32 bytes in base64") as failed:
        Keyring([key])
    assert len(key) < 5 or key not in str(failed.value)


def test_without_a_key_in_the_settings_one_is_made_once_and_kept_private(tmp_path: object) -> None:
    settings = Settings.load({"TEMPOR8_STATE": f"{tmp_path}/state"})
    sealed = keyring(settings).seal("acme", Purpose.BLOB, b"x")
    assert keyring(settings).open("acme", Purpose.BLOB, sealed) == b"x"
    file = settings.state_folder / "master.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.state_folder.iterdir()] == ["master.key"]
    other = Settings.load({"TEMPOR8_STATE": f"{tmp_path}/state", "TEMPOR8_MASTER_KEY": new_master_key()})
    with pytest.raises(SealError):
        keyring(other).open("acme", Purpose.BLOB, sealed)


def test_a_fingerprint_reads_the_data_once_however_many_keys_are_retired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data may be 32 MiB, and only look-ups need what retired keys make of it."""
    keys, read = Keyring([new_master_key() for _ in range(5)]), list[int]()

    def counted(key: bytes, data: bytes, size: int) -> bytes:
        read.append(len(data))
        return digest(key, data, size)

    monkeypatch.setattr("runtime.platform.sealing.digest", counted)
    assert keys.fingerprint("acme", Purpose.BLOB, b"data") == keys.fingerprints("acme", Purpose.BLOB, b"data")[0]
    assert read == [4] + [4] * 5
