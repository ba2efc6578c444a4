"""The recorded calls of vendors, as what fresh ones are drawn from: values by the name of their parameter, credentials, answers."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from runtime.integrations.folder import FOLDER, parameters_file
from runtime.integrations.index import types
from runtime.values.patterns import compile_pattern
from tests.shared_folder import ABSENT, shared_path

__all__ = ["Call", "Recorded", "credential_id", "import_file", "node_type"]

Json = dict[str, Any]
PREFIX: Final = "n8n-nodes-base."
PRIVATE_KEY: Final = "FAKE_RSA_KEY"
"""What stands in a recorded credential for a key that n8n can sign with."""


@dataclass(frozen=True)
class Call:
    """One request of a recorded case and its answer; `ordinal`: how many of the case's requests before had the same URL."""

    case: str
    method: str
    url: str
    ordinal: int
    answer: Mapping[str, Any]


class Recorded:
    """What is known of one node type."""

    def __init__(self, type_: str) -> None:
        """Read the declared parameters and the recorded cases. Raise SystemExit where there are none."""
        name = f"{type_.replace('/', '__')}.json"
        path = shared_path("conformance", "wire", name)
        if path is None or type_ not in types():
            raise SystemExit(f"{type_}: no vendor of ours with recorded cases; {ABSENT}" if path else ABSENT)
        self.type = type_
        file = FOLDER / types()[type_] / parameters_file(type_)
        self.families: list[Json] = _with_patterns(json.loads(file.read_text(encoding="utf-8"))[type_])
        cases: list[Json] = json.loads(path.read_text(encoding="utf-8"))
        self.cases = [each for each in cases if not each.get("excluded")]
        self.values = self._values()
        self.calls = list(self._calls())
        self.hosts = {urlsplit(each.url).netloc for each in self.calls}

    def _values(self) -> dict[str, list[Any]]:
        """Name of a parameter or member -> the values that it had, each once."""
        found: dict[str, dict[str, Any]] = defaultdict(dict)

        def walk(name: str, value: Any) -> None:
            found[name].setdefault(json.dumps(value, sort_keys=True), value)
            if isinstance(value, Mapping) and not value.get("__rl"):
                for key, each in value.items():
                    walk(key, each)
            elif isinstance(value, list):
                for each in value:
                    if isinstance(each, Mapping):
                        walk(name, each)

        for case in self.cases:
            for name, value in case["parameters"].items():
                walk(name, value)
        return {name: list(each.values()) for name, each in found.items()}

    def _calls(self) -> Iterator[Call]:
        for case in self.cases:
            seen: dict[tuple[str, str], int] = defaultdict(int)
            for request, answer in zip(case.get("requests") or (), case.get("responses") or (), strict=False):
                key = (request["method"], request["url"])
                yield Call(case["id"], *key, seen[key], answer)
                seen[key] += 1

    def uses(self) -> dict[tuple[Any, Any], int]:
        """(resource, operation) -> how many real exports have it."""
        return {(each.get("resource"), each.get("operation")): each.get("count") or 1 for each in self.cases}


def _with_patterns(value: Any) -> Any:
    """Return declarations whose display conditions have patterns as the tests that they are."""
    if isinstance(value, list):
        return [_with_patterns(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: compile_pattern(each).test if key == "regex" and isinstance(each, str) else _with_patterns(each)
        for key, each in value.items()
    }


def node_type(name: str) -> str:
    """Return the type that a short name means: `slack` is n8n's own Slack."""
    return name if name.rsplit("/", maxsplit=1)[-1].count(".") else f"{PREFIX}{name}"


def credential_id(type_: str, data: Mapping[str, Any]) -> str:
    """Return the id under which n8n's database has a credential: the same data have the same."""
    return f"{type_[:20]}{hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:10]}"


@cache
def _key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def import_file(names: list[str]) -> list[Json]:
    """Return the credentials of the recorded calls of these types as `n8n import:credentials` takes them."""
    made: dict[str, Json] = {}
    for name in names:
        for case in Recorded(node_type(name)).cases:
            for type_, data in (case.get("credentials") or {}).items():
                id_ = credential_id(type_, data)
                real = {key: _key() if value == PRIVATE_KEY else value for key, value in data.items()}
                made[id_] = {"id": id_, "name": id_, "type": type_, "data": real}
    return list(made.values())
