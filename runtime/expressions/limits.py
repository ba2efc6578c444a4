"""The limits under which scripts run."""

__all__ = ["NO_PROCESS", "OUT_OF_MEMORY", "OUT_OF_TIME", "TOO_LARGE", "ScriptCrash", "ScriptLimit"]


class ScriptLimit(Exception):  # a limit, not a mistake
    """A script ran out of time or memory. Inside workflow code the history records it, and the step is evaluated in an
    activity instead, where it is a node error. `message` is for the author.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ScriptCrash(ScriptLimit):
    """The process that ran a script is gone, which may have been somebody else's fault."""


OUT_OF_TIME = "Expression timed out"
OUT_OF_MEMORY = "Expression ran out of memory"
NO_PROCESS = "No process was free to evaluate the expression"
TOO_LARGE = "Expression gives too much data"
