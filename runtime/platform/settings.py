"""Every setting of the service, read from the environment once and frozen."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from runtime.platform.egress import EgressPolicy, parse_ports
from runtime.platform.loopback import LOOPBACK
from runtime.platform.model_limits import ModelLimits
from schemas.run import PAYLOAD_LIMIT

__all__ = ["Settings", "SettingsError"]

MAX_USER_ID: Final = 2**32 - 1
"""The kernel keeps the last one for itself."""
MIN_SECRET_BYTES: Final = 32


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

    # workers: builds, draining, and what they keep in memory
    deployment: Annotated[
        str,
        Field(
            validation_alias=_from("TEMPORAL_DEPLOYMENT_NAME", "TEMPOR8_DEPLOYMENT"), pattern=r"^[A-Za-z0-9_/-]{1,128}$"
        ),
    ] = "tempor8"
    worker_build: Annotated[
        str | None, Field(validation_alias="TEMPORAL_WORKER_BUILD_ID", pattern=r"^[A-Za-z0-9._-]{1,63}$")
    ] = None
    promote: Annotated[bool, Field(validation_alias="TEMPOR8_PROMOTE")] = False
    grace_seconds: Annotated[float, Field(validation_alias="TEMPOR8_GRACE", ge=0, le=86_400)] = 45
    sticky_seconds: Annotated[float, Field(validation_alias="TEMPOR8_STICKY_TIMEOUT", gt=0, le=60)] = 5
    watchdog_seconds: Annotated[float, Field(validation_alias="TEMPOR8_WATCHDOG", ge=0, le=3600)] = 10
    deaths: Annotated[int, Field(validation_alias="TEMPOR8_DEATHS", ge=1, le=10)] = 3
    plan_cache: Annotated[int, Field(validation_alias="TEMPOR8_PLAN_CACHE", ge=0)] = 64 * 1024 * 1024

    # what one tenant may hold of a worker: of its children for code, and of the steps that it does at a time
    code_share: Annotated[float, Field(validation_alias="TEMPOR8_CODE_SHARE", gt=0, le=1)] = 0.5
    step_share: Annotated[float, Field(validation_alias="TEMPOR8_STEP_SHARE", gt=0, le=1)] = 0.75

    # tenants: which have a task queue of their own, and how many of their runs go on at a time ('*': every other tenant)
    tenant_queues: Annotated[tuple[str, ...], Field(validation_alias="TEMPOR8_TENANT_QUEUES")] = ()
    tenant_runs: Annotated[dict[str, Annotated[int, Field(ge=1)]], Field(validation_alias="TEMPOR8_TENANT_RUNS")] = {}

    # Postgres: the application's role, and the owner's for migrations only
    database_url: Annotated[SecretStr | None, Field(validation_alias="DATABASE_URL")] = None
    database_admin_url: Annotated[SecretStr | None, Field(validation_alias="DATABASE_ADMIN_URL")] = None
    database_pool_size: Annotated[int, Field(validation_alias="TEMPOR8_DATABASE_POOL_SIZE", ge=1, le=500)] = 10
    database_read_pool_size: Annotated[int, Field(validation_alias="TEMPOR8_DATABASE_READ_POOL_SIZE", ge=1, le=500)] = 4
    read_timeout: Annotated[float, Field(validation_alias="TEMPOR8_READ_TIMEOUT", gt=0)] = 5.0
    reads_per_tenant: Annotated[int, Field(validation_alias="TEMPOR8_READS_PER_TENANT", ge=1, le=500)] = 2

    # secrets
    master_key: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_MASTER_KEY")] = None
    retired_master_keys: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_RETIRED_MASTER_KEYS")] = None
    vault_address: Annotated[str | None, Field(validation_alias=_from("VAULT_ADDR", "VAULT_URL"))] = None
    vault_token: Annotated[SecretStr | None, Field(validation_alias="VAULT_TOKEN")] = None
    vault_role_id: Annotated[str | None, Field(validation_alias="VAULT_ROLE_ID")] = None
    vault_secret_id: Annotated[SecretStr | None, Field(validation_alias="VAULT_SECRET_ID")] = None
    vault_jwt_role: Annotated[str | None, Field(validation_alias="VAULT_JWT_ROLE")] = None
    vault_jwt_file: Annotated[Path | None, Field(validation_alias="VAULT_JWT_FILE")] = None
    vault_kubernetes_role: Annotated[str | None, Field(validation_alias="VAULT_KUBERNETES_ROLE")] = None
    vault_kubernetes_token_file: Annotated[Path, Field(validation_alias="VAULT_KUBERNETES_TOKEN_FILE")] = Path(
        "/var/run/secrets/kubernetes.io/serviceaccount/token"
    )
    vault_auth_mount: Annotated[str | None, Field(validation_alias="VAULT_AUTH_MOUNT")] = None
    vault_mount: Annotated[str, Field(validation_alias="VAULT_MOUNT")] = "secret"
    vault_namespace: Annotated[str | None, Field(validation_alias="VAULT_NAMESPACE")] = None
    vault_transit_key: Annotated[str | None, Field(validation_alias="TEMPOR8_VAULT_TRANSIT_KEY")] = None
    vault_transit_mount: Annotated[str, Field(validation_alias="TEMPOR8_VAULT_TRANSIT_MOUNT")] = "transit"

    # payloads
    encrypt_payloads: Annotated[bool, Field(validation_alias="TEMPOR8_ENCRYPT_PAYLOADS")] = True
    payload_threshold: Annotated[int, Field(validation_alias="TEMPOR8_PAYLOAD_THRESHOLD", ge=1024)] = 64 * 1024
    payload_limit: Annotated[int, Field(validation_alias="TEMPOR8_PAYLOAD_LIMIT", ge=1024)] = PAYLOAD_LIMIT

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

    template_cache: Annotated[int, Field(validation_alias="TEMPOR8_TEMPLATE_CACHE", ge=1024)] = 256 * 1024 * 1024
    retention_days: Annotated[int, Field(validation_alias="TEMPOR8_RETENTION_DAYS", ge=1)] = 30

    audit_days: Annotated[int, Field(validation_alias="TEMPOR8_AUDIT_DAYS", ge=2, le=36_500)] = 365

    # the service
    operator_key: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_OPERATOR_KEY", min_length=32)] = None
    host: Annotated[str, Field(validation_alias="TEMPOR8_HOST")] = "127.0.0.1"
    port: Annotated[int, Field(validation_alias="TEMPOR8_PORT", ge=0, le=65535)] = 8202
    public_url: Annotated[str | None, Field(validation_alias="TEMPOR8_PUBLIC_URL")] = None
    content_url: Annotated[
        str | None, Field(validation_alias="TEMPOR8_CONTENT_URL", pattern=r"^https?://[^/?#]+/?$")
    ] = None
    hsts_seconds: Annotated[int, Field(validation_alias="TEMPOR8_HSTS", ge=0)] = 0
    body_limit: Annotated[int, Field(validation_alias="TEMPOR8_BODY_LIMIT", ge=1024)] = 16 * 1024 * 1024
    connections: Annotated[int, Field(validation_alias="TEMPOR8_CONNECTIONS", ge=1)] = 4096
    header_timeout: Annotated[float, Field(validation_alias="TEMPOR8_HEADER_TIMEOUT", gt=0)] = 20.0
    body_timeout: Annotated[float, Field(validation_alias="TEMPOR8_BODY_TIMEOUT", gt=0)] = 30.0

    # how much one caller may ask of one process, per second (0: any number); see docs/operations.md
    key_rate: Annotated[float, Field(validation_alias="TEMPOR8_KEY_RATE", ge=0)] = 500.0
    tenant_rate: Annotated[float, Field(validation_alias="TEMPOR8_TENANT_RATE", ge=0)] = 1000.0
    start_rate: Annotated[float, Field(validation_alias="TEMPOR8_START_RATE", ge=0)] = 1000.0
    unknown_rate: Annotated[float, Field(validation_alias="TEMPOR8_UNKNOWN_RATE", ge=0)] = 20.0
    streams: Annotated[int, Field(validation_alias="TEMPOR8_STREAMS", ge=0)] = 500

    # replies
    reply_timeout: Annotated[float, Field(validation_alias="TEMPOR8_REPLY_TIMEOUT", gt=0)] = 300.0
    starts_per_tenant: Annotated[int, Field(validation_alias="TEMPOR8_STARTS_PER_TENANT", ge=1)] = 8
    worker_timeout: Annotated[float, Field(validation_alias="TEMPOR8_WORKER_TIMEOUT", gt=0)] = 20.0
    api_grace: Annotated[float, Field(validation_alias="TEMPOR8_API_GRACE", ge=0)] = 10.0
    state_folder: Annotated[Path, Field(validation_alias="TEMPOR8_STATE")] = Path(".tempor8")
    transient: Annotated[bool, Field(validation_alias="TEMPOR8_TRANSIENT")] = False
    files: Annotated[Path | None, Field(validation_alias="TEMPOR8_FILES")] = None
    log_level: Annotated[str, Field(validation_alias="TEMPOR8_LOG_LEVEL")] = "info"
    egress_allow: Annotated[tuple[str, ...], Field(validation_alias="TEMPOR8_EGRESS_ALLOW")] = ()
    metrics_address: Annotated[str | None, Field(validation_alias="TEMPOR8_METRICS_ADDRESS")] = None
    metric_tenants: Annotated[int, Field(validation_alias="TEMPOR8_METRIC_TENANTS", ge=0, le=10_000)] = 100
    traces_endpoint: Annotated[
        str | None,
        Field(
            validation_alias=_from("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
            pattern=r"^https?://[^/?#]+",
        ),
    ] = None
    otlp_headers: Annotated[
        SecretStr | None,
        Field(validation_alias=_from("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS")),
    ] = None
    otlp_service: Annotated[str, Field(validation_alias="OTEL_SERVICE_NAME")] = "tempor8"
    otlp_resource: Annotated[dict[str, str], Field(validation_alias="OTEL_RESOURCE_ATTRIBUTES")] = {}
    trace_ratio: Annotated[float, Field(validation_alias="TEMPOR8_TRACE_RATIO", ge=0, le=1)] = 1.0
    egress_proxy: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_EGRESS_PROXY")] = None
    egress_proxy_guards: Annotated[bool, Field(validation_alias="TEMPOR8_EGRESS_PROXY_GUARDS")] = False
    egress_ports: Annotated[tuple[str, ...], Field(validation_alias="TEMPOR8_EGRESS_PORTS")] = ()

    # children that run what authors wrote: whether all walls must stand, and the users that they become (first and last id)
    sandbox: Annotated[Literal["auto", "require"], Field(validation_alias="TEMPOR8_SANDBOX")] = "auto"
    sandbox_users: Annotated[tuple[int, int] | None, Field(validation_alias="TEMPOR8_SANDBOX_UID")] = None
    # who may run Code nodes ('*': every other tenant)
    code: Annotated[dict[str, Literal["on", "off"]], Field(validation_alias="TEMPOR8_CODE")] = {}

    # whose Execute Command nodes run, and whether their commands reach the network ('*': every other tenant)
    commands: Annotated[dict[str, Literal["off", "on", "network"]], Field(validation_alias="TEMPOR8_COMMANDS")] = {}

    # agents
    ai_agents_url: Annotated[str | None, Field(validation_alias="AI_AGENTS_URL")] = None
    ai_agents_token: Annotated[SecretStr | None, Field(validation_alias="AI_AGENTS_TOKEN")] = None
    local_model: Annotated[bool, Field(validation_alias="TEMPOR8_LOCAL_MODEL")] = False
    local_model_url: Annotated[str | None, Field(validation_alias="TEMPOR8_LOCAL_MODEL_URL")] = None
    tokens_per_step: Annotated[int, Field(validation_alias="TEMPOR8_TOKENS_PER_STEP", ge=1)] = 1_000_000
    model_limits: Annotated[ModelLimits, Field(validation_alias="TEMPOR8_MODEL_LIMITS")] = ModelLimits({})

    # JSON web tokens, beside API keys
    jwt_issuer: Annotated[str | None, Field(validation_alias="TEMPOR8_JWT_ISSUER")] = None
    jwt_audience: Annotated[str | None, Field(validation_alias="TEMPOR8_JWT_AUDIENCE")] = None
    jwt_key: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_JWT_KEY")] = None
    jwks_url: Annotated[str | None, Field(validation_alias="TEMPOR8_JWKS_URL")] = None
    jwks_file: Annotated[Path | None, Field(validation_alias="TEMPOR8_JWKS_FILE")] = None
    jwt_tenant_claim: Annotated[str, Field(validation_alias="TEMPOR8_JWT_TENANT_CLAIM")] = "tenant_id"
    # sign-in of the console at the issuer (OpenID Connect); its tokens are verified as above
    oidc_client_id: Annotated[str | None, Field(validation_alias="TEMPOR8_OIDC_CLIENT_ID")] = None
    oidc_client_secret: Annotated[SecretStr | None, Field(validation_alias="TEMPOR8_OIDC_CLIENT_SECRET")] = None
    oidc_scope: Annotated[str, Field(validation_alias="TEMPOR8_OIDC_SCOPE")] = "openid"

    @field_validator("database_url", "database_admin_url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse what is no address, when the process starts; the message does not repeat it: it may have a password."""
        text = value.get_secret_value() if value is not None else "="
        if not text.startswith(("postgresql://", "postgres://")) and "=" not in text:
            raise ValueError("an address such as postgresql://user:password@host:5432/database")
        return value

    @field_validator("egress_allow", "egress_ports", "tenant_queues", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a comma-separated variable: `10.1.0.0/16,crm.internal:443`."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("egress_allow")
    @classmethod
    def _entries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what opens nothing: the operator would believe that it does."""
        try:
            EgressPolicy.parse(value)
        except ValueError:
            raise ValueError(
                "hosts (crm.internal, crm.internal:443, *.internal:443), addresses and networks (10.1.0.0/16), with commas"
            ) from None
        return value

    @field_validator("egress_ports")
    @classmethod
    def _ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what is no port, when the process starts and not at its first request."""
        try:
            parse_ports(value)
        except ValueError:
            raise ValueError("ports and ranges of ports from 1 to 65535, with commas: 80,443,8000-8999") from None
        return value

    @field_validator("egress_proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse an address that no request can go through."""
        if value is not None:
            try:
                parts = urlsplit(value.get_secret_value())
                usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            except ValueError:
                usable = False
            if not usable:
                raise ValueError("http://host:port or https://host:port, with user and password if need be")
        return value

    @model_validator(mode="before")
    @classmethod
    def _path_of_traces(cls, data: object) -> object:
        """Add the path to an address that is for every signal, as OpenTelemetry's specification has it."""
        if isinstance(data, dict) and not data.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
            base = data.get("OTEL_EXPORTER_OTLP_ENDPOINT")
            if isinstance(base, str) and base:
                return {**data, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{base.rstrip('/')}/v1/traces"}
        return data

    @field_validator("tenant_runs", "otlp_resource", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        """Split a comma-separated variable of pairs: `acme=20,*=5`."""
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        return {tenant.strip(): number.strip() for tenant, _, number in pairs}

    @field_validator("sandbox_users", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        """Read a user id or a range of them: `70000`, `70000-70063`."""
        if not isinstance(value, str):
            return value
        first, _, last = value.partition("-")
        return (first.strip(), (last or first).strip())

    @field_validator("sandbox_users")
    @classmethod
    def _users(cls, value: tuple[int, int] | None) -> tuple[int, int] | None:
        """Refuse root, and a range that ends before it begins."""
        if value is not None and not 0 < value[0] <= value[1] < MAX_USER_ID:
            raise ValueError("a user id other than 0, or a range such as 70000-70063")
        return value

    @field_validator("code", "commands", mode="before")
    @classmethod
    def _switches(cls, value: object) -> object:
        """Read `off`, which is for everybody, or pairs: `acme=off,*=on`."""
        return {"*": value.strip()} if isinstance(value, str) and "=" not in value else cls._pairs(value)

    def may_run_code(self, tenant: str) -> bool:
        """Return whether Code nodes run for a tenant."""
        return self.code.get(tenant, self.code.get("*", "on")) == "on"

    def commands_of(self, tenant: str) -> Literal["off", "on", "network"]:
        """Return whether Execute Command nodes run for a tenant, and whether with a network."""
        return self.commands.get(tenant, self.commands.get("*", "off"))

    @field_validator("model_limits", mode="before")
    @classmethod
    def _model_limits(cls, value: object) -> object:
        """Read limits of models: `run.tokens=200000,acme:day.cost_usd=100`."""
        return ModelLimits.parse(value) if isinstance(value, str) else value

    @field_validator("jwt_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse a shared secret that can be found by trying: RFC 7518 wants as many bytes as the hash has."""
        key = value.get_secret_value() if value is not None else None
        if key is not None and "-----BEGIN" not in key and len(key.encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"a shared secret has {MIN_SECRET_BYTES} bytes at least")
        return value

    @field_validator("jwks_url")
    @classmethod
    def _authentic(cls, value: str | None) -> str | None:
        """Refuse an address from which anyone on the way could send keys."""
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
                raise ValueError("an https address is needed")
        return value

    @model_validator(mode="after")
    def _one_kind_of_token(self) -> Self:
        """Refuse a key set without issuer and audience: a provider signs tokens for others too."""
        sources = (self.jwt_key, self.jwks_url, self.jwks_file)
        if sum(each is not None for each in sources) > 1:
            raise ValueError("TEMPOR8_JWT_KEY, TEMPOR8_JWKS_URL, TEMPOR8_JWKS_FILE: one of them")
        if (self.jwks_url or self.jwks_file) and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError("a key set needs TEMPOR8_JWT_ISSUER and TEMPOR8_JWT_AUDIENCE")
        if self.oidc_client_id and not (self.jwks_url or self.jwks_file):
            raise ValueError("TEMPOR8_OIDC_CLIENT_ID needs TEMPOR8_JWKS_URL or TEMPOR8_JWKS_FILE")
        return self

    @property
    def otlp_header_map(self) -> dict[str, str]:
        """Return the headers for the collector: `name=value,name=value`, values percent-encoded."""
        text = self.otlp_headers.get_secret_value() if self.otlp_headers else ""
        pairs = [part.partition("=") for part in text.split(",") if "=" in part]
        return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}

    def queue_of(self, tenant: str) -> str:
        """Return the task queue of a tenant's runs: the shared one, or its own where `tenant_queues` names it."""
        return f"{self.task_queue}:{tenant}" if tenant in self.tenant_queues else self.task_queue

    @property
    def queues(self) -> tuple[str, ...]:
        """Return every task queue: the shared one first."""
        return (self.task_queue, *(self.queue_of(tenant) for tenant in self.tenant_queues))

    @property
    def content_base(self) -> str | None:
        """Return the address below which webhooks, forms, chats and links of waits are; None: the one that the caller used."""
        base = self.content_url or self.public_url
        return base.rstrip("/") if base else None

    def run_limit_of(self, tenant: str) -> int | None:
        """Return how many runs of a tenant may go on at a time; None: any number."""
        return self.tenant_runs.get(tenant, self.tenant_runs.get("*"))

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
            lines = [
                ": ".join([*map(str, problem["loc"][:1]), problem["msg"].removeprefix("Value error, ")])
                for problem in error.errors(include_input=False)
            ]
            raise SettingsError("\n".join(lines)) from None

    @property
    def embedded_temporal(self) -> bool:
        """Whether the embedded Temporal is used."""
        return self.temporal_address is None

    @property
    def embedded_postgres(self) -> bool:
        """Whether the embedded Postgres is used."""
        return self.database_url is None
