"""A server that speaks MongoDB's wire protocol (OP_MSG, SCRAM-SHA-256), for a machine without `mongod`: mongomock keeps the documents."""

import base64
import hashlib
import hmac
import secrets
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import bson
import mongomock
from bson import json_util
from bson.binary import Binary

__all__ = ["MongoServer", "mongo_server"]

USER: Final = "ann"
_HEADER: Final = struct.Struct("<iiii")
_OP_MSG: Final = 2013
_OP_QUERY: Final = 2004
_OP_REPLY: Final = 1
_ITERATIONS: Final = 4096
_HELLO: Final = {
    "ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 16 << 20, "maxMessageSizeBytes": 48_000_000,
    "maxWriteBatchSize": 100_000, "saslSupportedMechs": ["SCRAM-SHA-256"], "minWireVersion": 0, "maxWireVersion": 21,
    "logicalSessionTimeoutMinutes": 30, "readOnly": False, "ok": 1.0,
}  # fmt: skip


class MongoServer(socketserver.ThreadingTCPServer):
    """Databases in memory. `password`: of the one user; `batch`: documents in one answer; `wire`: names of the commands that came."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, password: str | None = None, *, port: int = 0, batch: int = 101) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.password, self.batch = password, batch
        self.documents: Any = mongomock.MongoClient()
        self.cursors: dict[int, list[Any]] = {}
        self.wire: list[str] = []
        self.hello: dict[str, Any] = dict(_HELLO)
        self.answers: dict[str, Any] = {}
        """Name of a command -> what the server answers instead."""
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def credential(self, database: str) -> dict[str, Any]:
        """Return a `mongoDb` credential for a database."""
        login = {"user": USER, "password": self.password} if self.password else {}
        address = {"host": "127.0.0.1", "port": self.port, "database": database, "tls": False}
        return {"configurationType": "values", **address, **login}

    def fill(self, database: str, collections: Mapping[str, Any]) -> None:
        """Replace all that a database holds: {collection: documents in Extended JSON}."""
        self.documents.drop_database(database)
        for name, documents in collections.items():
            self.documents[database][name].insert_many(json_util.loads(json_util.dumps(documents)))


@contextmanager
def mongo_server(password: str | None = None, *, port: int = 0, batch: int = 101) -> Iterator[MongoServer]:
    """Serve until the block ends."""
    with MongoServer(password, port=port, batch=batch) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Connection(socketserver.BaseRequestHandler):
    """One connection: requests one after the other."""

    server: MongoServer
    request: socket.socket

    def setup(self) -> None:
        """Nobody is logged in."""
        self.trusted = self.server.password is None
        self.scram: dict[str, Any] = {}

    def handle(self) -> None:
        """Answer until the client leaves."""
        while (head := self._read(16)) is not None:
            length, id_, _, opcode = _HEADER.unpack(head)
            body = self._read(length - 16) or b""
            if opcode == _OP_QUERY:
                answer = bson.encode(self.server.hello)
                data = struct.pack("<iqii", 8, 0, 0, 1) + answer
                self.request.sendall(_HEADER.pack(16 + len(data), 0, id_, _OP_REPLY) + data)
            elif opcode == _OP_MSG:
                data = struct.pack("<I", 0) + b"\0" + bson.encode(self._answer(_command(body)))
                self.request.sendall(_HEADER.pack(16 + len(data), 0, id_, _OP_MSG) + data)

    def _read(self, count: int) -> bytes | None:
        data = b""
        while len(data) < count:
            try:
                part = self.request.recv(count - len(data))
            except OSError:
                return None
            if not part:
                return None
            data += part
        return data

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        with self.server.lock:
            if name.lower() in ("hello", "ismaster"):
                return dict(self.server.hello)
            self.server.wire.append(name)
            if name in self.server.answers:
                return dict(self.server.answers[name])
            if name == "saslStart":
                return self._start_login(command)
            if name == "saslContinue":
                return self._continue_login(command)
            if name in ("ping", "endSessions", "killCursors", "abortTransaction"):
                return {"ok": 1.0}
            if not self.trusted:
                return _refusal(13, "Unauthorized", f"command {name} requires authentication")
            handler = getattr(self, f"_{name}", None)
            if handler is None:
                return _refusal(59, "CommandNotFound", f"no such command: '{name}'")
            try:
                answer: dict[str, Any] = handler(command, self.server.documents[command["$db"]])
            except (
                mongomock.OperationFailure,
                mongomock.DuplicateKeyError,
                NotImplementedError,
                ValueError,
                TypeError,
            ) as error:
                return _refusal(getattr(error, "code", None) or 2, "BadValue", str(error))
        return {"ok": 1.0, **answer}

    def _start_login(self, command: Mapping[str, Any]) -> dict[str, Any]:
        bare = bytes(command["payload"]).decode().removeprefix("n,,")
        nonce = dict(part.split("=", 1) for part in bare.split(","))["r"] + secrets.token_hex(8)
        salt = secrets.token_bytes(16)
        first = f"r={nonce},s={base64.b64encode(salt).decode()},i={_ITERATIONS}"
        self.scram = {"bare": bare, "first": first, "salt": salt}
        return {"conversationId": 1, "done": False, "payload": Binary(first.encode()), "ok": 1.0}

    def _continue_login(self, command: Mapping[str, Any]) -> dict[str, Any]:
        final = bytes(command["payload"]).decode()
        if not final:
            return {"conversationId": 1, "done": True, "payload": Binary(b""), "ok": 1.0}
        fields = dict(part.split("=", 1) for part in final.split(","))
        text = f"{self.scram['bare']},{self.scram['first']},{final.partition(',p=')[0]}".encode()
        salted = hashlib.pbkdf2_hmac("sha256", (self.server.password or "").encode(), self.scram["salt"], _ITERATIONS)
        client = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client).digest(), text, "sha256")
        proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        if f"n={USER}" not in self.scram["bare"] or not hmac.compare_digest(base64.b64decode(fields["p"]), proof):
            return _refusal(18, "AuthenticationFailed", "Authentication failed.")
        self.trusted = True
        verifier = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), text, "sha256")
        payload = Binary(b"v=" + base64.b64encode(verifier))
        return {"conversationId": 1, "done": True, "payload": payload, "ok": 1.0}

    def _find(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:
        found = database[command["find"]].find(
            command.get("filter") or {},
            command.get("projection") or None,
            sort=list((command.get("sort") or {}).items()) or None,
            skip=int(command.get("skip") or 0),
            limit=int(command.get("limit") or 0),
        )
        return self._cursor(command, "find", list(found))

    def _aggregate(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:
        return self._cursor(command, "aggregate", list(database[command["aggregate"]].aggregate(command["pipeline"])))

    def _cursor(self, command: Mapping[str, Any], name: str, documents: list[Any]) -> dict[str, Any]:
        number, batch = 0, int(command.get("batchSize") or self.server.batch)
        if documents[batch:]:
            number = secrets.randbelow(1 << 40) + 1
            self.server.cursors[number] = documents[batch:]
        namespace = f"{command['$db']}.{command[name]}"
        return {"cursor": {"firstBatch": documents[:batch], "id": bson.Int64(number), "ns": namespace}}

    def _getMore(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:  # noqa: N802 - the command's name
        del database
        number = int(command["getMore"])
        documents = self.server.cursors.pop(number, [])
        rest = documents[self.server.batch :]
        if rest:
            self.server.cursors[number] = rest
        namespace = f"{command['$db']}.{command['collection']}"
        batch = documents[: self.server.batch]
        return {"cursor": {"nextBatch": batch, "id": bson.Int64(number if rest else 0), "ns": namespace}}

    def _insert(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:
        errors = []
        for i, document in enumerate(command["documents"]):
            try:
                database[command["insert"]].insert_one(document)
            except mongomock.DuplicateKeyError:
                text = f"E11000 duplicate key error collection: {command['$db']}.{command['insert']}"
                errors.append({"index": i, "code": 11000, "errmsg": text})
                break
        return {"n": len(command["documents"]) - len(errors)} | ({"writeErrors": errors} if errors else {})

    def _update(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:
        collection, matched, modified, upserted = database[command["update"]], 0, 0, []
        for i, each in enumerate(command["updates"]):
            change, upsert = each["u"], bool(each.get("upsert"))
            replace = isinstance(change, Mapping) and not next(iter(change), "$").startswith("$")
            method = (
                collection.replace_one
                if replace
                else collection.update_many
                if each.get("multi")
                else collection.update_one
            )
            result = method(each["q"], change, upsert=upsert)
            matched += result.matched_count
            modified += result.modified_count or 0
            if result.upserted_id is not None:
                upserted.append({"index": i, "_id": result.upserted_id})
        return {"n": matched + len(upserted), "nModified": modified} | ({"upserted": upserted} if upserted else {})

    def _delete(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:
        count = 0
        for each in command["deletes"]:
            collection = database[command["delete"]]
            count += (collection.delete_one if each.get("limit") else collection.delete_many)(each["q"]).deleted_count
        return {"n": count}

    def _findAndModify(self, command: Mapping[str, Any], database: Any) -> dict[str, Any]:  # noqa: N802 - the command's name
        collection, change = database[command["findAndModify"]], command["update"]
        replace = not next(iter(change), "$").startswith("$")
        method = collection.find_one_and_replace if replace else collection.find_one_and_update
        found = method(
            command["query"], change, upsert=bool(command.get("upsert")), return_document=bool(command.get("new"))
        )
        return {"lastErrorObject": {"updatedExisting": found is not None, "n": int(found is not None)}, "value": found}


def _command(body: bytes) -> dict[str, Any]:
    """Return the command of an OP_MSG, its document sequences put into it."""
    place = 4
    command: dict[str, Any] = {}
    end = len(body) - (4 if struct.unpack_from("<I", body)[0] & 1 else 0)
    while place < end:
        kind, place = body[place], place + 1
        (size,) = struct.unpack_from("<i", body, place)
        part = body[place : place + size]
        if kind == 0:
            command = {**bson.decode(part), **command}
        else:
            name, _, documents = part[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(documents)
        place += size
    first = next(key for key in command if key not in ("documents", "updates", "deletes"))
    return {first: command[first], **command}


def _refusal(code: int, name: str, message: str) -> dict[str, Any]:
    return {"ok": 0.0, "code": code, "codeName": name, "errmsg": message}
