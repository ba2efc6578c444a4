"""Store sealed bytes in an S3-compatible bucket; Postgres has the rows with their users and times."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from obstore import delete_async, get_async, put_async
from obstore.exceptions import BaseError
from obstore.store import S3Store

from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, S3Config

__all__ = ["Objects", "PayloadStoreUnavailable"]

REQUEST_TIMEOUT: Final = "20s"
"""Time-out of one request; a step that fails by it is retried without a limit."""


class PayloadStoreUnavailable(DatabaseUnavailable):
    """The bucket does not respond, or refuses access. Try again."""


class Objects:
    """A bucket with one object per blob, `{tenant}/{address}`, whose bytes are sealed already."""

    def __init__(self, store: "ObjectStore", name: str) -> None:
        self._store, self._name = store, name

    @classmethod
    def of(cls, settings: Settings) -> "Objects | None":
        """Return the bucket of the settings; None: payloads are stored in Postgres."""
        if not settings.s3_bucket:
            return None
        endpoint, secret = settings.s3_endpoint, settings.s3_secret_key
        config: S3Config = {"region": settings.s3_region, "virtual_hosted_style_request": endpoint is None}
        if endpoint:
            config["endpoint"] = endpoint
        if settings.s3_access_key and secret:
            config |= {"access_key_id": settings.s3_access_key, "secret_access_key": secret.get_secret_value()}
        client: ClientConfig = {
            "allow_http": bool(endpoint and endpoint.startswith("http://")),
            "timeout": REQUEST_TIMEOUT,
        }
        store = S3Store(settings.s3_bucket, config=config, client_options=client, retry_config={"max_retries": 3})
        return cls(store, f"s3://{settings.s3_bucket}")

    async def put(self, tenant: str, address: str, sealed: bytes) -> None:
        """Write an object. Raise PayloadStoreUnavailable."""
        try:
            await put_async(self._store, f"{tenant}/{address}", sealed)
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    async def get(self, tenant: str, address: str) -> bytes | None:
        """Return an object's bytes; None: it is gone. Raise PayloadStoreUnavailable."""
        try:
            response = await get_async(self._store, f"{tenant}/{address}")
            return bytes(await response.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    async def delete(self, tenant: str, addresses: Sequence[str]) -> None:
        """Delete objects; those that are gone are ignored. Raise PayloadStoreUnavailable."""
        try:
            if addresses:
                await delete_async(self._store, [f"{tenant}/{address}" for address in addresses])
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> PayloadStoreUnavailable:
        what = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        return PayloadStoreUnavailable(f"the payload store {self._name} does not answer as it should: {what}")
