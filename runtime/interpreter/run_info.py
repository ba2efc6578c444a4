"""What is known about a run from outside: tenant, identity, variables, and the links of its waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.resume_link import WAITING, WAITING_FORM, link
from schemas.run import PAYLOAD_LIMIT

__all__ = ["RunInfo"]


@dataclass
class RunInfo:
    """What is known about a run from outside."""

    tenant: str = ""
    execution_id: str = ""
    mode: str = "trigger"
    variables: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    """Where the API is reached from outside."""
    resume_secret: str = ""
    waits: int = 0
    """How many waits for a call are over: the ordinal of the next one."""
    payload_limit: int | None = PAYLOAD_LIMIT
    """Bytes of JSON that the run may hand out at a time; None: any number."""
    streams: bool = False
    """Whether the run's caller reads answers of agents while they are said."""
    pinned: bool = False
    static_data: dict[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] | None = None
    _links: dict[tuple[str, int], str] = field(default_factory=dict, repr=False)

    @property
    def resume_url(self) -> str:
        """The address that resumes the next wait for a call."""
        return self._link(WAITING)

    @property
    def resume_form_url(self) -> str:
        """The address of the form of the next wait for a form."""
        return self._link(WAITING_FORM)

    def bound_link(self, query: str) -> str:
        """The address that resumes the next wait with this query, and with no other."""
        return link(self.base_url, WAITING, self.execution_id, self.resume_secret, self.waits, query)

    def _link(self, kind: str) -> str:
        """Made once per wait: every step asks for it."""
        if not self.resume_secret:
            return ""
        if (kind, self.waits) not in self._links:
            made = link(self.base_url, kind, self.execution_id, self.resume_secret, self.waits)
            self._links = {
                **{key: each for key, each in self._links.items() if key[1] == self.waits},
                (kind, self.waits): made,
            }
        return self._links[kind, self.waits]
