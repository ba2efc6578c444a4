"""MQTT through the tenant's egress guard."""

from collections.abc import Sequence

from runtime.contract import NodeApiError, NodeError
from runtime.contract.capabilities import Mqtt, MqttMessage
from runtime.hosts.temporal.capabilities.credentials import WorkerCredentials
from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform import mqtt_client
from runtime.platform.egress import EgressRefused
from schemas.task import Task


class WorkerMqtt(Mqtt):
    """MQTT by the credential of the task's step."""

    def __init__(self, resources: WorkerResources, task: Task) -> None:
        self._resources, self._tenant = resources, task["meta"]["tenant"]
        self._credentials = WorkerCredentials(resources, task)

    async def publish(self, messages: Sequence[MqttMessage]) -> None:
        """In one session."""
        server = await self._credentials.get("mqtt")
        allow = await self._resources.egress_allow(self._tenant)
        packets = [(each.topic, each.payload, each.qos, each.retain) for each in messages]
        try:
            await mqtt_client.publish(allow, server, packets)
        except EgressRefused as error:
            raise NodeApiError(str(error), http_code="EGRESS") from error
        except mqtt_client.MqttError as error:
            raise NodeError(str(error)) from error


def provide(resources: WorkerResources, task: Task) -> WorkerMqtt:
    """Return the MQTT of a task."""
    return WorkerMqtt(resources, task)
