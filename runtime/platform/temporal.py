"""The Temporal client: its data converter, and the connection with errors that say what to do."""

from collections.abc import Sequence
from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, Interceptor
from temporalio.converter import DataConverter, ExternalStorage
from temporalio.service import RPCError, RPCStatusCode, TLSConfig

from runtime.platform.codec import SealingCodec
from runtime.platform.failures import SealingFailureConverter
from runtime.platform.keys import Keyring
from runtime.platform.plan_cache import PlanCache, PlanCodec
from runtime.platform.run_data_converter import RunDataConverter
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobStore, PostgresStorageDriver
from runtime.platform.storage.payloads import JsonPayloadConverter
from runtime.platform.telemetry.metrics import exposed_runtime
from schemas.errors import InfrastructureError
from schemas.names import INLINE, PLAN_HASH, TEMPLATE_KEY, TENANT_ID, TRIGGER_KIND

__all__ = ["SEARCH_ATTRIBUTES", "TemporalUnavailable", "connect", "data_converter", "ensure_search_attributes"]

SEARCH_ATTRIBUTES: Final = (TENANT_ID, TEMPLATE_KEY, PLAN_HASH, TRIGGER_KIND)
"""The search attributes of a run, all of type Keyword."""


class TemporalUnavailable(InfrastructureError):
    """Temporal does not respond. The message names the address and says what to do."""


def data_converter(
    settings: Settings, keyring: Keyring, blobs: BlobStore, plans: PlanCache | None = None
) -> DataConverter:
    """Return the data converter: orjson, then the tenant's seal (unless switched off), then the claim check for large
    payloads. Messages and stack traces of failures are payloads, too. With `plans` (a worker's), it loads the plans that decoded payloads refer to.
    """
    seal = SealingCodec(keyring, share_from=settings.payload_threshold) if settings.encrypt_payloads else None
    codec = seal if plans is None else PlanCodec(plans, seal)
    driver = PostgresStorageDriver(blobs)
    return RunDataConverter(
        payload_converter_class=JsonPayloadConverter,
        failure_converter_class=SealingFailureConverter,
        payload_codec=codec,
        external_storage=ExternalStorage(
            drivers=[driver],
            driver_selector=lambda _context, payload: None if INLINE in payload.metadata else driver,
            payload_size_threshold=settings.payload_threshold,
        ),
    )


async def connect(
    settings: Settings,
    converter: DataConverter,
    *,
    address: str | None = None,
    lazy: bool = False,
    interceptors: Sequence[Interceptor] = (),
) -> Client:
    """Return a client of the configured namespace.

    Args:
        settings: address, namespace, TLS and API key.
        converter: see `data_converter`.
        address: `host:port` of an embedded server, instead of the settings'.
        lazy: connect at the first call; a worker cannot be built on such a client.
        interceptors: the SDK's client interceptors.

    Raises:
        TemporalUnavailable: the server does not respond.
    """
    target = address or settings.temporal_address or "127.0.0.1:7233"
    try:
        return await Client.connect(
            target,
            namespace=settings.temporal_namespace,
            api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
            tls=_tls(settings),
            data_converter=converter,
            lazy=lazy,
            interceptors=interceptors,
            runtime=exposed_runtime(settings.metrics_address) if settings.metrics_address else None,
        )
    except (RuntimeError, RPCError) as error:
        raise TemporalUnavailable(
            f"Temporal at {target} does not answer. Start it, or correct TEMPORAL_ADDRESS; "
            "without that variable the embedded server is used."
        ) from error


async def ensure_search_attributes(client: Client) -> None:
    """Register the search attributes that are missing: an external cluster starts without them.

    Raises:
        TemporalUnavailable: the server refuses or does not answer; the message has the command to run instead.
    """
    service = client.operator_service
    try:
        known = await service.list_search_attributes(ListSearchAttributesRequest(namespace=client.namespace))
        missing = [name for name in SEARCH_ATTRIBUTES if name not in known.custom_attributes]
        if missing:
            keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            await service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes=dict.fromkeys(missing, keyword)
                )
            )
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return
        flags = " ".join(f"--name {name} --type Keyword" for name in SEARCH_ATTRIBUTES)
        raise TemporalUnavailable(
            f"search attributes could not be registered ({error.status.name.lower()}). An operator can run: "
            f"temporal operator search-attribute create --namespace {client.namespace} {flags}"
        ) from error


def _tls(settings: Settings) -> TLSConfig | bool:
    files = (settings.temporal_tls_ca, settings.temporal_tls_cert, settings.temporal_tls_key)
    if not any(files):
        return settings.temporal_tls or settings.temporal_api_key is not None
    ca, cert, key = (path.read_bytes() if path else None for path in files)
    return TLSConfig(server_root_ca_cert=ca, client_cert=cert, client_private_key=key)
