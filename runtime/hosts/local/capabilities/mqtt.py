"""No MQTT."""

from collections.abc import Mapping, Sequence
from typing import Any

from runtime.contract import NodeError
from runtime.contract.capabilities import Mqtt, MqttMessage
from runtime.contract.errors import require_credential
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoMqtt(Mqtt):
    """Nothing is sent."""

    def __init__(self, step: Mapping[str, Any]) -> None:
        self._step = step

    async def publish(self, messages: Sequence[MqttMessage]) -> None:
        """Refuse."""
        del messages
        require_credential(self._step, "mqtt")
        raise NodeError(f"Node '{self._step['name']}' connects to an MQTT broker, and this run is offline")


def provide(resources: OfflineResources, task: Task) -> NoMqtt:
    """Return the MQTT of a task."""
    del resources
    return NoMqtt(task["step"])
