"""An FTP server over a folder, in a process of its own: `python -m tests.ftp_server FOLDER USER PASSWORD usual|other`. Its first line
is its port.
"""

import sys
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


class _OtherHandler(FTPHandler):  # type: ignore[misc]  # the package has no types
    """Says 553 where a folder of an upload is not there, as some servers do."""

    command = ""

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Remember what was asked."""
        self.command = cmd
        super().pre_process_command(line, cmd, arg)

    def respond(self, resp: str, *arguments: Any, **options: Any) -> None:
        """Answer."""
        number = "553" if self.command == "STOR" and resp.startswith("550") else resp[:3]
        super().respond(number + resp[3:], *arguments, **options)


def main(folder: str, user: str, password: str, kind: str) -> None:
    """Serve until killed."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(user, password, folder, perm="elradfmwMT")
    handler: Any = _OtherHandler if kind == "other" else FTPHandler
    handler.authorizer, handler.auth_failed_timeout = authorizer, 0
    server = FTPServer(("127.0.0.1", 0), handler)
    print(server.address[1], flush=True)  # noqa: T201 - what the caller reads
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
