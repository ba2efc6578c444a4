"""The fixtures of the running service, for attacks on it."""

from tests.service import acme, anonymous, api_keys, application, dependencies, globex, operator, published, worker

__all__ = ["acme", "anonymous", "api_keys", "application", "dependencies", "globex", "operator", "published", "worker"]
