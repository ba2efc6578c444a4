"""Calendly Trigger: the signature of its deliveries."""

from runtime.integrations.triggers.signed_header import SignedHeader

_HEADER = SignedHeader("calendly-webhook-signature")
signed, signatures, sent_at = _HEADER.signed, _HEADER.signatures, _HEADER.sent_at
