"""What of a failure is sealed in Temporal, and what an operator can read without a key."""

from collections.abc import Callable

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultPayloadConverter
from temporalio.exceptions import ApplicationError

from runtime.platform.failures import SealingFailureConverter
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.sealing import SealError
from runtime.platform.storage.blobs import BlobMissing

DATA = "customer 4711"
CONVERTER, PAYLOADS = SealingFailureConverter(), DefaultPayloadConverter()


def _raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    error.__cause__ = cause
    return error


def _failure(error: BaseException) -> Failure:
    failure = Failure()
    CONVERTER.to_failure(error, PAYLOADS, failure)
    return failure


SEALED: list[tuple[str, Callable[[], BaseException]]] = [
    ("a node's error", lambda: _raised(ApplicationError(DATA, type="NodeError"))),
    ("any exception", lambda: _raised(ValueError(DATA))),
    ("the cause of another", lambda: _raised(RuntimeError("Failed"), _raised(ValueError(DATA)))),
    ("an error that an outage caused", lambda: _raised(ValueError(DATA), _raised(DatabaseUnavailable("away")))),
    ("a driver's words below an outage", lambda: _raised(DatabaseUnavailable("away"), _raised(ValueError(DATA)))),
]


@pytest.mark.parametrize("make", [each[1] for each in SEALED], ids=[each[0] for each in SEALED])
def test_data_is_in_payloads_alone(make: Callable[[], BaseException]) -> None:
    """The codec seals payloads; everything else of a failure stays readable."""
    failure = _failure(make())
    one: Failure | None = failure
    while one is not None:
        one.ClearField("encoded_attributes")
        one = one.cause if one.HasField("cause") else None
    assert DATA.encode() not in failure.SerializeToString()


@pytest.mark.parametrize(
    "error",
    [BlobMissing("acme", "ab" * 32), SealError("no key"), DatabaseUnavailable("away")],
    ids=["payload", "key", "database"],
)
def test_what_is_missing_is_readable_without_a_key(error: BaseException) -> None:
    """Also where the SDK wraps it."""
    plain, wrapped = (
        _failure(_raised(error)),
        _failure(_raised(RuntimeError("Failed decoding arguments"), _raised(error))),
    )
    assert plain.message == wrapped.cause.message != ""
    assert not plain.HasField("encoded_attributes")
    assert not wrapped.HasField("encoded_attributes")


def test_a_failure_comes_back_as_it_was() -> None:
    """With its message and type, and that of its cause."""
    error = CONVERTER.from_failure(_failure(_raised(ValueError("outer"), _raised(KeyError("inner")))), PAYLOADS)
    assert isinstance(error, ApplicationError)
    assert (error.message, error.type) == ("outer", "ValueError")
    assert isinstance(error.__cause__, ApplicationError)
    assert error.__cause__.type == "KeyError"
