"""The fixtures of the running service, for attacks on it."""

from tests.service import acme, anybody, api_keys, application, dependencies, globex, published, worker

__all__ = ["acme", "anybody", "api_keys", "application", "dependencies", "globex", "published", "worker"]
