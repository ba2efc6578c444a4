"""A bucket of one process, as far as the S3 protocol is needed here: objects are put, got, listed and deleted, with a switch."""

import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

__all__ = ["Bucket"]


class Bucket:
    """Objects by path. `down` makes it refuse everything; `signed` says whether every request carried a signature."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down, self.signed = False, True
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._serve(lambda: bucket.put(self.path, data))

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                self._serve(lambda: bucket.page(path) if "list-type=2" in query else bucket.objects.get(path))

            def do_POST(self) -> None:
                request = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                self._serve(lambda: bucket.delete(self.path.partition("?")[0], re.findall("<Key>(.*?)</Key>", request)))

            def _serve(self, work: Callable[[], bytes | None]) -> None:
                bucket.signed &= self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=key/")
                content = None if bucket.down else work()
                status = 503 if bucket.down else 404 if content is None else 200
                body = content or b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("ETag", '"1"')
                self.send_header("Last-Modified", "Mon, 02 Mar 2026 10:00:00 GMT")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def put(self, path: str, data: bytes) -> bytes:
        """Keep an object."""
        self.objects[path] = data
        return b""

    def page(self, path: str) -> bytes:
        """Every object of a bucket in one page."""
        contents = "".join(
            f"<Contents><Key>{key.removeprefix(f'{path}/')}</Key><Size>{len(data)}</Size><ETag>1</ETag>"
            "<LastModified>2026-03-02T10:00:00.000Z</LastModified></Contents>"
            for key, data in self.objects.items()
        )
        listed = f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        return f'<?xml version="1.0"?>{listed}'.encode()

    def delete(self, path: str, keys: list[str]) -> bytes:
        """Several at once: the answer names each."""
        for key in keys:
            self.objects.pop(f"{path}/{key}", None)
        deleted = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return f'<?xml version="1.0"?><DeleteResult>{deleted}</DeleteResult>'.encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
