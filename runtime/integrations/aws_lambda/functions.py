"""AWS Lambda: the server of a region."""

from runtime.integrations.filters import segment
from runtime.integrations.scope import Scope


def base(scope: Scope) -> str:
    """Return the address of the credential's region."""
    return f"https://lambda.{segment(scope.credential.get('region') or 'us-east-1')}.amazonaws.com"
