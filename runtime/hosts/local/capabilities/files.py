"""The folder that the run was begun with."""

from typing import Final

from runtime.hosts.local.offline import FILES_OF, OfflineResources, root_execution
from runtime.platform.storage.files import TenantFiles
from schemas.task import Task

_MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one file."""


def provide(resources: OfflineResources, task: Task) -> TenantFiles:
    """Return the folder of a task; without one, every call raises."""
    return TenantFiles(resources.folders.get(root_execution(task)), FILES_OF, _MOST_BYTES)
