"""The fixtures of the running service."""

from tests.service import acme, anybody, api_keys, application, dependencies, globex, loopback, published, worker

__all__ = ["acme", "anybody", "api_keys", "application", "dependencies", "globex", "loopback", "published", "worker"]
