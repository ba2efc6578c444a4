"""Settings come from the environment, under every name that is documented, and never show a secret."""

import pytest
from pydantic import SecretStr

from runtime.platform.settings import Settings, SettingsError


def test_the_aliases_of_older_documents_count() -> None:
    settings = Settings.load({"TEMPORAL_URL": "t:7233", "VAULT_URL": "http://v:8200"})
    assert settings.temporal_address == "t:7233"
    assert settings.vault_address == "http://v:8200"


def test_the_first_name_wins_over_its_alias() -> None:
    assert Settings.load({"TEMPORAL_URL": "old:1", "TEMPORAL_ADDRESS": "new:1"}).temporal_address == "new:1"


def test_without_addresses_the_servers_are_ours() -> None:
    settings = Settings.load({"DATABASE_URL": ""})
    assert settings.embedded_temporal
    assert settings.embedded_postgres


def test_a_list_is_split_at_commas() -> None:
    settings = Settings.load({"TEMPOR8_EGRESS_ALLOW": "10.1.0.0/16, crm.internal:443,"})
    assert settings.egress_allow == ("10.1.0.0/16", "crm.internal:443")


def test_a_malformed_variable_is_named_and_its_value_is_not_shown() -> None:
    with pytest.raises(SettingsError, match="TEMPOR8_PORT") as failed:
        Settings.load({"TEMPOR8_PORT": "canary", "TEMPOR8_PAYLOAD_LIMIT": "1"})
    assert "TEMPOR8_PAYLOAD_LIMIT" in str(failed.value)
    assert "canary" not in str(failed.value)


USELESS = [
    ("TEMPOR8_EGRESS_PORTS", "443,canary", "a word is no port"),
    ("TEMPOR8_EGRESS_PORTS", "0", "there is no port 0"),
    ("TEMPOR8_EGRESS_PORTS", "9000-8000", "a range ends after it begins"),
    ("TEMPOR8_EGRESS_PORTS", "65536", "ports end at 65535"),
    ("TEMPOR8_EGRESS_ALLOW", "http://canary/", "an address with a scheme is no host"),
    ("TEMPOR8_EGRESS_ALLOW", "10.0.0.0/8,canary:http", "a port is a number"),
    ("TEMPOR8_EGRESS_PROXY", "socks5://canary:1", "SOCKS is not supported"),
    ("TEMPOR8_EGRESS_PROXY", "canary:3128", "an address has a scheme"),
    ("TEMPOR8_EGRESS_PROXY", "http://canary:x", "a port is a number"),
]


@pytest.mark.parametrize(("name", "value"), [each[:2] for each in USELESS], ids=[each[2] for each in USELESS])
def test_an_egress_setting_that_cannot_work_ends_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as failed:
        Settings.load({name: value})
    assert "canary" not in str(failed.value)


def test_egress_settings_that_work_are_taken() -> None:
    settings = Settings.load(
        {
            "TEMPOR8_EGRESS_PORTS": "80, 8000-8999",
            "TEMPOR8_EGRESS_ALLOW": "[fd00::1]:80,*.corp.example:443",
            "TEMPOR8_EGRESS_PROXY": "http://user:p%40ss@proxy.corp.example:3128",
        }
    )
    assert settings.egress_ports == ("80", "8000-8999")
    assert settings.egress_allow == ("[fd00::1]:80", "*.corp.example:443")
    assert settings.egress_proxy is not None


def test_printing_settings_shows_no_secret() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert len(secrets) >= 8
    settings = Settings().model_copy(update=dict.fromkeys(secrets, SecretStr("canary")))
    assert "canary" not in repr(settings)
    assert "canary" not in settings.model_dump_json()
