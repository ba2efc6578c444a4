"""The channel on which processes tell each other that something of a tenant has changed."""

from typing import Final

__all__ = ["CHANGES"]

CHANGES: Final = "tempor8_templates"
"""The NOTIFY channel on which a publication, a revoked key or a deletion makes every process drop what it has cached; the
payload is the tenant.
"""
