"""Large results of steps are stored while the step still heartbeats.

The SDK encodes a result after the activity has returned, when nobody heartbeats any more: a payload store that is away for longer
than the heartbeat's time-out would lose the activity, and the step would run again with all its effects.
"""

from typing import Final

from temporalio import activity
from temporalio.common import RawValue
from temporalio.converter import WorkflowSerializationContext

from runtime.platform.storage.blobs import PostgresStorageDriver

__all__ = ["store_result"]

SEAL_BYTES: Final = 1024
"""A payload grows by less than this when it is sealed."""


async def store_result(result: RawValue) -> RawValue:
    """Return what the activity returns in place of `result`: the same, sealed and stored where it is large."""
    info, converter = activity.info(), activity.client().data_converter
    storage = converter.external_storage
    if info.is_local or storage is None or info.workflow_id is None:
        return result
    payload = result.payload
    if payload.ByteSize() + SEAL_BYTES < storage.payload_size_threshold:
        return result
    context = WorkflowSerializationContext(namespace=info.namespace, workflow_id=info.workflow_id)
    codec = converter.with_context(context).payload_codec
    if codec is not None:
        (payload,) = await codec.encode([payload])
    (driver,) = storage.drivers
    if isinstance(driver, PostgresStorageDriver) and payload.ByteSize() >= storage.payload_size_threshold:
        await driver.stage(info.workflow_id, payload)
    return RawValue(payload)
