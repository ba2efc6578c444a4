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


def test_printing_settings_shows_no_secret() -> None:
    secrets = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert len(secrets) >= 8
    settings = Settings().model_copy(update=dict.fromkeys(secrets, SecretStr("canary")))
    assert "canary" not in repr(settings)
    assert "canary" not in settings.model_dump_json()
