"""Threads that a process shares are for work that ends by itself: on them payloads are sealed, so nothing may wait there for a tenant's server."""

import ast
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("runtime", "service", "api")
ALLOWED: Final = {
    "runtime/platform/codec.py": "seals and opens payloads",
    "runtime/platform/keys.py": "asks the operator's Vault, which has a time limit",
    "runtime/platform/vault_credentials.py": "asks the operator's Vault, which has a time limit",
    "runtime/platform/jwks.py": "reads the operator's file",
    "runtime/platform/plan_cache.py": "prepares a plan, whose size has a bound",
    "runtime/platform/storage/blobs.py": "seals and opens files, piece by piece",
    "runtime/platform/storage/files.py": "reads the tenant's folder on this machine",
    "runtime/platform/embedded/profile.py": "starts servers for development",
    "runtime/platform/embedded/postgres.py": "starts servers for development",
    "runtime/sandbox/runner.py": "closes a pool",
    "runtime/hosts/temporal/worker.py": "imports modules when the worker starts",
    "runtime/hosts/temporal/registrar.py": "computes what the registration of a trigger needs, which is little",
    "service/vector_documents.py": "compares the documents of a store, whose number has a bound",
    "service/data_store.py": "opens rows, whose number has a bound",
    "service/compiling.py": "reads what a compiler gave",
    "service/run_traces.py": "sends a batch to the operator's collector, which has a time limit; one batch at a time",
    "service/clear_rows.py": "seals rows, a page at a time",
    "api/triggers/requests.py": "parses a query, whose length has a bound",
    "api/triggers/bodies.py": "parses a body, whose length has a bound, in linear time",
    "api/triggers/registered.py": "checks the signature of a body, whose length has a bound",
}
"""File -> what it does on a shared thread. What waits for a server that a tenant names has a thread of its own
(`runtime.platform.own_thread`)."""


def shared() -> set[str]:
    """Return the files that use `asyncio.to_thread`, or the default executor."""
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = ast.unparse(node.func)
                default = name.endswith("run_in_executor") and ast.unparse(node.args[0]) == "None"
                if name.endswith("to_thread") or default:
                    found.add(path.relative_to(ROOT).as_posix())
    return found


def test_shared_threads_are_used_where_it_is_said_why() -> None:
    assert shared() - set(ALLOWED) == set(), "say what it waits for, or use runtime.platform.own_thread"


def test_what_is_allowed_is_there() -> None:
    assert set(ALLOWED) - shared() == set()
