"""The tenant's folder below TEMPOR8_FILES."""

from runtime.hosts.temporal.resources import WorkerResources
from runtime.platform.storage.files import TenantFiles
from schemas.task import Task


def provide(resources: WorkerResources, task: Task) -> TenantFiles:
    """Return the folder of a task's tenant."""
    return TenantFiles(resources.settings.files, task["meta"]["tenant"], resources.settings.file_limit)
