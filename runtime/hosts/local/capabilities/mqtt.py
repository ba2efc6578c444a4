"""No MQTT."""

from collections.abc import Sequence

from runtime.contract import NodeError
from runtime.contract.capabilities import Mqtt, MqttMessage
from runtime.hosts.local.offline import OfflineResources
from schemas.task import Task


class NoMqtt(Mqtt):
    """Nothing is sent."""

    def __init__(self, node: str) -> None:
        self._node = node

    async def publish(self, messages: Sequence[MqttMessage]) -> None:
        """Refuse."""
        del messages
        raise NodeError(f"Node '{self._node}' connects to an MQTT broker, and this run is offline")


def provide(resources: OfflineResources, task: Task) -> NoMqtt:
    """Return the MQTT of a task."""
    del resources
    return NoMqtt(task["step"]["name"])
