"""WooCommerce Trigger: the secret of its webhooks."""

import hashlib

from runtime.integrations.scope import Scope


def secret(scope: Scope) -> str:
    """Return the secret with which the shop signs: n8n makes it of the shop's keys."""
    keys = f"{scope.credential.get('consumerKey')},{scope.credential.get('consumerSecret')}"
    return hashlib.md5(keys.encode(), usedforsecurity=False).hexdigest()
