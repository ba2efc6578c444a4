"""The secrets behind the links that resume waiting runs."""

import hmac
from typing import Self

from runtime.platform.keys import Keyring, Purpose
from runtime.platform.settings import Settings
from schemas.names import tenant_of
from schemas.resume_link import link, secret_of, token

__all__ = ["ResumeLinks"]


class ResumeLinks:
    """Gives a run the base and the secret of its links, and verifies links.

    Args:
        keys: the master keys of the service.
        base: public address of the API.
    """

    def __init__(self, keys: Keyring, base: str) -> None:
        self._keys, self._base = keys, base

    @classmethod
    def of_settings(cls, settings: Settings, keys: Keyring) -> Self:
        """Return links below TEMPOR8_CONTENT_URL or TEMPOR8_PUBLIC_URL, or below the address that the API listens at."""
        return cls(keys, settings.content_base or f"http://{settings.host}:{settings.port}")

    def of(self, workflow_id: str) -> dict[str, str]:
        """Return `{'resume_url', 'resume_secret'}` of a run that no other run started."""
        secret = self._keys.fingerprint(tenant_of(workflow_id), Purpose.RESUME_TOKEN, workflow_id.encode()).hex()
        return {"resume_url": self._base, "resume_secret": secret}

    def path(self, kind: str, workflow_id: str, ordinal: int) -> str:
        """Return the path of a wait's link."""
        root = workflow_id.partition("~")[0]
        secret = secret_of(workflow_id, self.of(root)["resume_secret"])
        return link("/", kind, workflow_id, secret, ordinal) if secret else ""

    def accepts(self, workflow_id: str, ordinal: int, candidate: str, bound: str = "") -> bool:
        """Return whether `candidate` is the token of the wait (and of this query); under retired master keys too."""
        root = workflow_id.partition("~")[0]
        secrets = self._keys.fingerprints(tenant_of(root), Purpose.RESUME_TOKEN, root.encode())
        tokens = [token(secret_of(workflow_id, each.hex()), ordinal, bound) for each in secrets]
        return any(hmac.compare_digest(each.encode(), candidate.encode()) for each in tokens)
