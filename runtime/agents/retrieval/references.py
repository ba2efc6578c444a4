"""Values that go from one activity to the next (texts, vectors): in the history while they are short, else stored once."""

from typing import Any, Final

import orjson

from runtime.contract import ActivityContext
from schemas.item import Json

INLINE_BYTES: Final = 24 * 1024
"""Up to this size a value is part of the history, as a conversation is."""
STORED: Final = "$stored"


async def refer(context: ActivityContext, value: Any, name: str) -> Json:
    """Return a value as it is while it is short, else a reference to it; `name` is the stored file's name without `.json`."""
    data = orjson.dumps(value)
    if len(data) <= INLINE_BYTES:
        result: Json = value
        return result
    ref = await context.blobs.write(data, mime_type="application/json", file_name=f"{name}.json")
    return {STORED: ref}


async def referred(context: ActivityContext, value: Any) -> Any:
    """Return the value behind what `refer` returned. Raise NodeError when what was stored is gone."""
    if isinstance(value, dict) and STORED in value:
        return orjson.loads(await context.blobs.read(value[STORED]))
    return value
