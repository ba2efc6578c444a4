"""What goes wrong with a value, before a node says which node and item it happened to."""


class ProblemError(Exception):
    """Raised for a value that cannot be used. `message` and `description` are n8n's; `kind` its error class where a
    user sees it.
    """

    def __init__(self, message: str, description: str | None = None, *, kind: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.description = description
        self.kind = kind
