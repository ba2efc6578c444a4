"""The codec endpoint: opens payloads for Temporal's UI and CLI, for whoever has the operator's key.

The UI sends what it shows as it is stored, and shows what comes back. Nothing is sealed here: who needs to write payloads has the API.
"""

import base64
import json
from typing import Any, Final

from litestar import Controller, Request, Response, route
from litestar.di import NamedDependency
from litestar.enums import HttpMethod, MediaType
from pydantic import Base64Bytes, BaseModel, Field, ValidationError
from temporalio.api.common.v1 import Payload

from api.access import needs_operator
from api.authentication import PREFLIGHT
from api.dependencies import Dependencies
from api.origins import origin_of
from api.problems import BadRequest
from runtime.platform.sealing import SealError
from runtime.platform.settings import Settings
from runtime.platform.storage.blobs import BlobMissing

__all__ = ["CodecController"]

MAX_PAYLOADS: Final = 1_000
"""Payloads that one request may have: the UI asks once per page of a history."""
MAX_STORED_BYTES: Final = 1 << 20
"""Size up to which a payload outside the history is fetched."""
PLAIN: Final = {"encoding": b"json/plain"}


class ExternalBody(BaseModel):
    """What a payload says of bytes that are outside the history."""

    size_bytes: int = Field(default=0, alias="sizeBytes")


class PayloadBody(BaseModel):
    """A payload as Temporal's tools send it: bytes in base64."""

    metadata: dict[str, Base64Bytes] = {}
    data: Base64Bytes = b""
    external: list[ExternalBody] = Field(default=[], alias="externalPayloads")

    def payload(self) -> Payload:
        """Return it as Temporal's own type."""
        external = [Payload.ExternalPayloadDetails(size_bytes=each.size_bytes) for each in self.external]
        return Payload(metadata=self.metadata, data=self.data, external_payloads=external)


class PayloadsBody(BaseModel):
    """The body of a request."""

    payloads: list[PayloadBody] = Field(max_length=MAX_PAYLOADS)


class CodecController(Controller):
    """Remote codec of Temporal's tools: https://docs.temporal.io/production-deployment/data-encryption."""

    path = "/codec"
    include_in_schema = False

    @route(
        "/decode",
        http_method=[HttpMethod.POST, HttpMethod.OPTIONS],
        opt=needs_operator()["opt"] | PREFLIGHT,
        status_code=200,
    )
    async def decode(
        self, request: Request[Any, Any, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[bytes]:
        """Return payloads in clear, in the order in which they came. One that cannot be opened is replaced by the reason. A browser's
        question whether the page may call is answered without a key.

        Raises:
            BadRequest: the request has no payloads, or too many.
        """
        headers = _cors(dependencies.settings, request)
        if request.method == HttpMethod.OPTIONS:
            return Response(b"", headers=headers)
        try:
            body = PayloadsBody.model_validate_json(await request.body())
        except ValidationError:
            raise BadRequest('The body is not `{"payloads": [...]}` with Temporal\'s payloads as JSON.') from None
        opened = [await _open(dependencies, each.payload()) for each in body.payloads]
        answer = json.dumps({"payloads": [_wire(each) for each in opened]}).encode()
        return Response(answer, headers=headers, media_type=MediaType.JSON)


async def _open(dependencies: Dependencies, payload: Payload) -> Payload:
    if sum(each.size_bytes for each in payload.external_payloads) > MAX_STORED_BYTES:
        return _words("it is too large to be shown")
    try:
        converter = dependencies.temporal.data_converter
        (opened,) = await converter._decode_payload_sequence([payload])  # noqa: SLF001  # as `decode` does, without its types
    except (SealError, BlobMissing) as error:
        return _words(f"it cannot be opened: {error}")
    return opened


def _wire(payload: Payload) -> dict[str, Any]:
    return {
        "metadata": {name: base64.b64encode(value).decode() for name, value in payload.metadata.items()},
        "data": base64.b64encode(payload.data).decode(),
    }


def _words(text: str) -> Payload:
    return Payload(metadata=PLAIN, data=json.dumps(text).encode())


def _cors(settings: Settings, request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the headers that let the page of Temporal's UI, and no other, read the answer."""
    origin = request.headers.get("origin")
    if settings.temporal_ui_url is None or origin != origin_of(settings.temporal_ui_url):
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "POST, OPTIONS",
        "access-control-allow-headers": "authorization, content-type, x-namespace",
        "access-control-allow-credentials": "true",
        "access-control-max-age": "600",
        "vary": "origin",
    }
