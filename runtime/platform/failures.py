"""Failures as Temporal stores them: messages and stack traces are payloads, which the codec seals.

All but those of our own servers: what is away, which key or payload is missing. They have no data of tenants, and whoever looks
after a run must be able to read them in Temporal although the process that failed lacks the key.
"""

from typing import Final

from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter

from runtime.platform.storage.blobs import BlobMissing
from schemas.errors import InfrastructureError

__all__ = ["SealingFailureConverter"]

OPERATIONAL: Final = (InfrastructureError, BlobMissing)


class SealingFailureConverter(DefaultFailureConverter):
    """Moves messages and stack traces into payloads, except those of OPERATIONAL errors."""

    def __init__(self) -> None:
        super().__init__(encode_common_attributes=True)

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """See base class."""
        super().to_failure(exception, payload_converter, failure)
        if not _is_operational(exception):
            return
        (attributes,) = payload_converter.from_payloads([failure.encoded_attributes])
        failure.message, failure.stack_trace = attributes["message"], attributes["stack_trace"]
        failure.ClearField("encoded_attributes")
        if failure.cause.HasField("encoded_attributes"):  # a driver's words, which may quote values
            failure.ClearField("cause")


def _is_operational(exception: BaseException) -> bool:
    """Return whether an error says what of our servers is missing; the SDK wraps such a one ("Failed decoding arguments")."""
    wrapped = type(exception) is RuntimeError and isinstance(exception.__cause__, OPERATIONAL)
    return wrapped or isinstance(exception, OPERATIONAL)
