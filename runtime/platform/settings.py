"""Every setting of the service, read from the environment once and frozen."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

__all__ = ["Settings", "SettingsError"]


class SettingsError(Exception):
    """A setting is malformed. The message names the variable and never shows its value."""


def _from(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class Settings(BaseModel):
    """The settings of the environment. Secrets are `SecretStr` and print as stars; sizes are in bytes.

    An address that is None means: use the embedded server.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    # Temporal
    temporal_address: Annotated[str | None, Field(validation_alias=_from("TEMPORAL_ADDRESS", "TEMPORAL_URL"))] = None
    temporal_namespace: Annotated[str, Field(validation_alias="TEMPORAL_NAMESPACE")] = "default"
    temporal_api_key: Annotated[SecretStr | None, Field(validation_alias="TEMPORAL_API_KEY")] = None
    temporal_tls: Annotated[bool, Field(validation_alias="TEMPORAL_TLS")] = False
    temporal_tls_ca: Annotated[Path | None, Field(validation_alias="TEMPORAL_TLS_CA")] = None
    temporal_tls_cert: Annotated[Path | None, Field(validation_alias="TEMPORAL_TLS_CERT")] = None
    temporal_tls_key: Annotated[Path | None, Field(validation_alias="TEMPORAL_TLS_KEY")] = None
    temporal_ui_url: Annotated[str | None, Field(validation_alias="TEMPORAL_UI_URL")] = None
    task_queue: Annotated[str, Field(validation_alias="TEMPOR8_TASK_QUEUE")] = "tempor8"

    promote: Annotated[bool, Field(validation_alias="TEMPOR8_PROMOTE")] = True

    # Postgres: the application's role, and the owner's for migrations only
    database_url: Annotated[SecretStr | None, Field(validation_alias="DATABASE_URL")] = None
    database_admin_url: Annotated[SecretStr | None, Field(validation_alias="DATABASE_ADMIN_URL")] = None
    database_pool_size: Annotated[int, Field(validation_alias="TEMPOR8_DATABASE_POOL_SIZE", ge=1, le=500)] = 10

    # secrets
    master_key: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_MASTER_KEY")] = None
    retired_master_keys: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_RETIRED_MASTER_KEYS")] = None
    vault_address: Annotated[str | None, Field(validation_alias=_from("VAULT_ADDR", "VAULT_URL"))] = None
    vault_token: Annotated[SecretStr | None, Field(validation_alias="VAULT_TOKEN")] = None
    vault_role_id: Annotated[str | None, Field(validation_alias="VAULT_ROLE_ID")] = None
    vault_secret_id: Annotated[SecretStr | None, Field(validation_alias="VAULT_SECRET_ID")] = None
    vault_mount: Annotated[str, Field(validation_alias="VAULT_MOUNT")] = "secret"
    vault_namespace: Annotated[str | None, Field(validation_alias="VAULT_NAMESPACE")] = None

    # payloads
    encrypt_payloads: Annotated[bool, Field(validation_alias="TEMPOR8_ENCRYPT_PAYLOADS")] = True
    payload_threshold: Annotated[int, Field(validation_alias="TEMPOR8_PAYLOAD_THRESHOLD", ge=1024)] = 64 * 1024
    payload_limit: Annotated[int, Field(validation_alias="TEMPOR8_PAYLOAD_LIMIT", ge=1024)] = 64 * 1024 * 1024

    # Where large payloads and files live: a bucket, or without one Postgres
    s3_bucket: Annotated[str | None, Field(validation_alias="TEMPOR8_S3_BUCKET")] = None
    s3_endpoint: Annotated[str | None, Field(validation_alias="TEMPOR8_S3_ENDPOINT")] = None
    s3_region: Annotated[str, Field(validation_alias=_from("TEMPOR8_S3_REGION", "AWS_REGION"))] = "us-east-1"
    s3_access_key: Annotated[
        str | None, Field(validation_alias=_from("TEMPOR8_S3_ACCESS_KEY", "AWS_ACCESS_KEY_ID"))
    ] = None
    s3_secret_key: Annotated[
        SecretStr | None, Field(validation_alias=_from("TEMPOR8_S3_SECRET_KEY", "AWS_SECRET_ACCESS_KEY"))
    ] = None
    file_limit: Annotated[int, Field(validation_alias="TEMPOR8_FILE_LIMIT", ge=1024)] = 1024 * 1024 * 1024

    retention_days: Annotated[int, Field(validation_alias="TEMPOR8_RETENTION_DAYS", ge=1)] = 30

    # the service
    host: Annotated[str, Field(validation_alias="TEMPOR8_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(validation_alias="TEMPOR8_PORT", ge=0, le=65535)] = 8202
    public_url: Annotated[str | None, Field(validation_alias="TEMPOR8_PUBLIC_URL")] = None
    body_limit: Annotated[int, Field(validation_alias="TEMPOR8_BODY_LIMIT", ge=1024)] = 16 * 1024 * 1024
    state_folder: Annotated[Path, Field(validation_alias="TEMPOR8_STATE")] = Path(".tempor8")
    transient: Annotated[bool, Field(validation_alias="TEMPOR8_TRANSIENT")] = False
    files: Annotated[Path | None, Field(validation_alias="TEMPOR8_FILES")] = None
    log_level: Annotated[str, Field(validation_alias="TEMPOR8_LOG_LEVEL")] = "info"
    egress_allow: Annotated[tuple[str, ...], Field(validation_alias="TEMPOR8_EGRESS_ALLOW")] = ()
    metrics_address: Annotated[str | None, Field(validation_alias="TEMPOR8_METRICS_ADDRESS")] = None
    egress_proxy: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_EGRESS_PROXY")] = None

    # agents
    ai_agents_url: Annotated[str | None, Field(validation_alias="AI_AGENTS_URL")] = None
    ai_agents_token: Annotated[SecretStr | None, Field(validation_alias="AI_AGENTS_TOKEN")] = None
    local_model_url: Annotated[str | None, Field(validation_alias="TEMPOR8_LOCAL_MODEL_URL")] = None
    tokens_per_step: Annotated[int, Field(validation_alias="TEMPOR8_TOKENS_PER_STEP", ge=1)] = 1_000_000

    # JSON web tokens, beside API keys
    jwt_issuer: Annotated[str | None, Field(validation_alias="TEMPOR8_JWT_ISSUER")] = None
    jwt_audience: Annotated[str | None, Field(validation_alias="TEMPOR8_JWT_AUDIENCE")] = None
    jwt_key: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_JWT_KEY")] = None
    jwt_tenant_claim: Annotated[str, Field(validation_alias="TEMPOR8_JWT_TENANT_CLAIM")] = "tenant_id"

    @field_validator("egress_allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a comma-separated variable: `10.1.0.0/16,crm.internal:443`."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Return the settings of the environment; an empty variable counts as absent.

        Raises:
            SettingsError: with one line per malformed variable.
        """
        source = os.environ if environment is None else environment
        try:
            return cls.model_validate({name: value for name, value in source.items() if value != ""})
        except ValidationError as error:
            lines = [f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors(include_input=False)]
            raise SettingsError("\n".join(lines)) from None

    @property
    def embedded_temporal(self) -> bool:
        """Whether the embedded Temporal is used."""
        return self.temporal_address is None

    @property
    def embedded_postgres(self) -> bool:
        """Whether the embedded Postgres is used."""
        return self.database_url is None
