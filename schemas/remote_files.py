"""What a file server (FTP, SFTP) answers. Clients give it, nodes read it."""

__all__ = ["RemoteFileError"]


class RemoteFileError(Exception):
    """The server refuses, or cannot be reached. `code`: FTP's number of the reply, where there is one."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.message, self.code = message, code
