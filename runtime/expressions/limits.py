"""The limits under which scripts run."""

__all__ = ["ScriptLimit"]


class ScriptLimit(Exception):  # a limit, not a mistake
    """A script ran out of time or memory. Never a node error inside workflow code: how long something takes is not
    deterministic, so the host repeats the step in a recorded local activity. `message` is for the author.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


OUT_OF_TIME = "Expression timed out"
OUT_OF_MEMORY = "Expression ran out of memory"
