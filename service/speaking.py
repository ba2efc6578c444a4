"""What models are saying in a run: read from the heartbeats of its activities, which Temporal keeps until they end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from temporalio.converter import DataConverter

from runtime.platform.storage.blobs import UNREADABLE
from schemas.spoken_answer import SpokenAnswer, spoken_answer
from service.run_description import RunDescription

__all__ = ["Speaking", "SpeakingReader"]

MAX_READ: Final = 50
"""Activities of a run whose heartbeats are read: as many as one step has open."""

Speaking = Mapping[str, SpokenAnswer]
"""Id of an activity -> what the model says that it asks."""


@dataclass
class SpeakingReader:
    """Reads each heartbeat once."""

    _read: dict[str, tuple[int, SpokenAnswer | None]] = field(default_factory=dict)
    """Id of an activity -> time of its last heartbeat, in nanoseconds, and what that said."""

    async def read(self, run: RunDescription, converter: DataConverter) -> Speaking:
        """Return what the models say that the run's open activities ask. One that has not begun to speak is absent."""
        pending = run.raw.pending_activities if run.raw is not None and run.open else ()
        read: dict[str, tuple[int, SpokenAnswer | None]] = {}
        for each in pending[:MAX_READ]:
            if not each.HasField("heartbeat_details"):
                continue
            at = each.last_heartbeat_time.ToNanoseconds()
            known = self._read.get(each.activity_id)
            if known is not None and known[0] == at:
                read[each.activity_id] = known
                continue
            try:
                details = await converter.decode(each.heartbeat_details.payloads)
            except UNREADABLE:
                continue
            found = next((answer for detail in details if (answer := spoken_answer(detail)) is not None), None)
            read[each.activity_id] = at, found
        self._read = read
        return {id_: answer for id_, (_, answer) in read.items() if answer is not None}
