"""Capability: messages to an MQTT broker of the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Mqtt", "MqttMessage"]


@dataclass(frozen=True)
class MqttMessage:
    """A message: the topic, the bytes, how surely it comes (`qos`: 0, 1 or 2), and whether the broker keeps it."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False


class Mqtt(Protocol):
    """The broker that the step's `mqtt` credential names, reached through the tenant's egress guard."""

    async def publish(self, messages: Sequence[MqttMessage]) -> None:
        """Send messages in one session, in order, each acknowledged as its `qos` says.

        Raises NodeError when the broker cannot be reached or refuses; MissingCredential and NodeApiError (egress).
        """
