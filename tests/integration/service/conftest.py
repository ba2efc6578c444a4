"""Fixtures of the projector's tests."""

from tests.integration.service.canned_runs import canned, projector

__all__ = ["canned", "projector"]
