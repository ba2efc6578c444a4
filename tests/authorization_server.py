"""An authorization server of our own: refresh tokens rotate and are good for once, codes too, and it demands PKCE.

`/authorize` sends the browser back with a code, `/token` answers with tokens, `/open` takes everybody, every other address wants a
token that has not expired.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

__all__ = ["CLIENT", "AuthorizationServer"]

CLIENT: Final = ("client", "CANARY-secret")


class AuthorizationServer:
    """See the module. A context manager.

    Args:
        delay: seconds that the token server thinks.
        grace: seconds for which a refresh token that was used is good once more, as many vendors have it.
    """

    def __init__(self, delay: float = 0.0, grace: float = 0.0) -> None:
        self.delay, self.grace = delay, grace
        self.asked = 0
        """Requests for tokens that have come in."""
        self.refreshes = 0
        """Refreshes that succeeded."""
        self.reused = 0
        """Refresh tokens that came once more: a client that does that is locked out."""
        self.calls = 0
        """Requests to `/api` with a good token."""
        self.status: int | None = None
        """What `/token` answers with instead."""
        self._access: set[str] = set()
        self._refresh: set[str] = set()
        self._used: dict[str, float] = {}
        self._codes: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.get(self)

            def do_POST(self) -> None:
                server.post(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_address[1]}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def credential(self, **more: Any) -> dict[str, Any]:
        """Return the fields of an `oAuth2Api` credential of this server, without an account."""
        return {
            "grantType": "pkce", "authUrl": f"{self.url}/authorize", "accessTokenUrl": f"{self.url}/token", "scope": "all",
            "clientId": CLIENT[0], "clientSecret": CLIENT[1], "authentication": "header", **more,
        }  # fmt: skip

    def connected(self, **more: Any) -> dict[str, Any]:
        """Return such a credential with an account whose access token has expired."""
        return self.credential(oauthTokenData={**self._tokens(), "access_token": "CANARY-expired"}, **more)

    def expire(self) -> None:
        """Let every access token expire."""
        self._access.clear()

    def revoke(self) -> None:
        """Revoke what any account allowed."""
        self._access.clear()
        self._refresh.clear()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a GET."""
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path.startswith("/open"):
            self._answer(request, 200, {})
            return
        if parts.path != "/authorize":
            good = request.headers.get("authorization", "").removeprefix("Bearer ") in self._access
            self.calls += good
            self._answer(request, 200 if good else 401, {"ok": good})
            return
        code = secrets.token_urlsafe()
        self._codes[code] = query["redirect_uri"], query.get("code_challenge", "")
        request.send_response(302)
        request.send_header("Location", f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")
        request.end_headers()

    def post(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request for tokens."""
        length = int(request.headers.get("content-length") or 0)
        fields = {name: values[0] for name, values in parse_qs(request.rfile.read(length).decode()).items()}
        self.asked += 1
        time.sleep(self.delay)
        basic = "Basic " + base64.b64encode(":".join(CLIENT).encode()).decode()
        with self._lock:
            if self.status is not None:
                self._answer(request, self.status, {})
            elif request.headers.get("authorization") != basic:
                self._answer(request, 401, {"error": "invalid_client"})
            elif self._is_granted(fields):
                self._answer(request, 200, self._tokens())
            else:
                self._answer(request, 400, {"error": "invalid_grant"})

    def _is_granted(self, fields: dict[str, str]) -> bool:
        if fields.get("grant_type") == "refresh_token":
            token = fields["refresh_token"]
            again = token in self._used and time.monotonic() < self._used[token] + self.grace
            if token in self._used and not again:
                self.reused += 1
                self.revoke()
            good = again or token in self._refresh
            self._refresh.discard(token)
            self._used.setdefault(token, time.monotonic())
            self.refreshes += good
            return good
        redirect, challenge = self._codes.pop(fields.get("code", ""), ("", ""))
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        made = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return bool(redirect) and redirect == fields.get("redirect_uri") and challenge == made

    def _tokens(self) -> dict[str, Any]:
        access, refresh = f"CANARY-{secrets.token_urlsafe()}", f"CANARY-{secrets.token_urlsafe()}"
        self._access.add(access)
        self._refresh.add(refresh)
        return {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600}

    @staticmethod
    def _answer(request: BaseHTTPRequestHandler, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
