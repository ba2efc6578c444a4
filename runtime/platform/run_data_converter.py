"""The data converter of runs: one set of converters for all of them, and a codec for each.

The SDK binds a data converter to a run several times in each workflow task, and makes every converter of it anew. Of ours only the
codec knows runs, so the copies share the rest, which takes a third of the time that the SDK's own way takes.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from temporalio.converter import (
    DataConverter,
    FailureConverter,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
)

__all__ = ["RunDataConverter"]


@dataclass(frozen=True)
class RunDataConverter(DataConverter):
    """A data converter whose payload and failure converters are the same in every context."""

    def __post_init__(self) -> None:
        """Take the converters that all data converters of these classes share."""
        payloads, failures = _converters(self.payload_converter_class, self.failure_converter_class)
        object.__setattr__(self, "payload_converter", payloads)
        object.__setattr__(self, "failure_converter", failures)

    def with_context(self, context: SerializationContext) -> Self:
        """Return this data converter with its codec bound to `context`."""
        codec: object = self.payload_codec
        bound = codec.with_context(context) if isinstance(codec, WithSerializationContext) else codec
        if bound is codec:
            return self
        clone = object.__new__(type(self))
        clone.__dict__.update(self.__dict__, payload_codec=bound)
        return clone


@lru_cache(maxsize=16)
def _converters(
    payloads: type[PayloadConverter], failures: type[FailureConverter]
) -> tuple[PayloadConverter, FailureConverter]:
    """Return the converters as the SDK makes them."""
    made = DataConverter(payload_converter_class=payloads, failure_converter_class=failures)
    return made.payload_converter, made.failure_converter
