"""A worker whose build has another name than that of this code: `python -m tests.chaos.worker_of_build <suffix>`.

Its runs continue as new after some tens of events, as others do after thousands.
"""

import sys
from typing import Final

from temporalio import workflow

from cli.main import app
from runtime.hosts.temporal import build_id as deployment

MAX_EVENTS: Final = 60


def main() -> None:
    """Work until killed."""
    build = f"{deployment.build_id()}-{sys.argv[1]}"
    deployment.build_id = lambda: build  # type: ignore[assignment]  # a test's

    def is_long(self: workflow.Info) -> bool:
        return self.get_current_history_length() > MAX_EVENTS

    workflow.Info.is_continue_as_new_suggested = is_long  # type: ignore[method-assign]
    app(["worker"])


if __name__ == "__main__":
    main()
