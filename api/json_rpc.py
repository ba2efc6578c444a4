"""JSON-RPC 2.0 as the Model Context Protocol uses it over HTTP: one request per POST, its answer as JSON."""

from typing import Any, Final

from runtime.values.json_bytes import dumps

__all__ = ["INTERNAL", "INVALID_PARAMS", "INVALID_REQUEST", "NO_METHOD", "PARSE_ERROR", "about", "error", "result"]

VERSIONS: Final = ("2025-06-18", "2025-03-26", "2024-11-05")
"""Revisions of MCP that a client may ask for; the first is answered to one that asks for another."""
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603


def about(params: Any, name: str, version: str, instructions: str = "") -> dict[str, Any]:
    """Return what a client learns first: the revision of the protocol, what the server has, who it is.

    Args:
        params: of the client's request.
        name: of the server.
        version: of the server.
        instructions: for the model; none are sent where this is empty.
    """
    wanted = params.get("protocolVersion") if isinstance(params, dict) else None
    found: dict[str, Any] = {
        "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": name, "version": version},
    }
    return found | ({"instructions": instructions} if instructions else {})


def result(id_: Any, value: Any) -> bytes:
    """Return the answer to a request."""
    return dumps({"jsonrpc": "2.0", "id": id_, "result": value})


def error(id_: Any, code: int, message: str) -> bytes:
    """Return the answer to a request that failed."""
    return dumps({"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}})
