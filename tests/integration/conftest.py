"""The fixtures of the running service, for tests of the whole of it."""

from tests.service import worker

__all__ = ["worker"]
