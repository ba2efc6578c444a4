"""The shapes of API keys."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from api.models import Moment, RequestBody
from service.api_keys import ApiKey, IssuedKey, KeyScope

__all__ = [
    "ExpireRequest",
    "IssueRequest",
    "IssuedKeyAnswer",
    "KeyAnswer",
    "KeyList",
    "RotateRequest",
    "issued_answer",
    "key_answer",
]

MAX_DAYS = 3650
MAX_OVERLAP_SECONDS = 30 * 86_400


class IssueRequest(RequestBody):
    """What a new key is for, and what it may do."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "ci", "scopes": ["publish"], "expires_in_days": 90}]}
    )

    name: str = Field(default="", max_length=200, pattern=r"^[^\x00]*$", description="What it is for")
    scopes: list[KeyScope] = Field(min_length=1, max_length=len(KeyScope), description="What it may do")
    expires_in_days: int | None = Field(default=None, ge=1, le=MAX_DAYS, description="null: it does not expire")

    @property
    def lifetime(self) -> timedelta | None:
        """Return after how long it expires."""
        return timedelta(days=self.expires_in_days) if self.expires_in_days is not None else None


class RotateRequest(RequestBody):
    """How a key is rotated."""

    overlap_seconds: int = Field(
        default=86_400, ge=0, le=MAX_OVERLAP_SECONDS, description="For how long the old key goes on to work"
    )


class ExpireRequest(RequestBody):
    """When a key expires."""

    expires_in_days: int | None = Field(
        ge=0, le=MAX_DAYS, description="From now on; 0: at once, null: it does not expire"
    )

    @property
    def lifetime(self) -> timedelta | None:
        """Return after how long from now it expires."""
        return timedelta(days=self.expires_in_days) if self.expires_in_days is not None else None


class KeyAnswer(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    scopes: list[KeyScope]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None = Field(description="Up to a minute behind")
    replaced_by: str | None = Field(description="Id of the key that a rotation issued")


class IssuedKeyAnswer(KeyAnswer):
    """A new key with its secret, which is shown this once."""

    key: str


class KeyList(BaseModel):
    """The keys of a tenant, oldest first; revoked and expired ones too."""

    items: list[KeyAnswer]


def key_answer(key: ApiKey) -> KeyAnswer:
    """Return a key as the API shows it."""
    return KeyAnswer(
        id=key.id,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        replaced_by=key.replaced_by,
    )


def issued_answer(issued: IssuedKey) -> IssuedKeyAnswer:
    """Return a new key as the API shows it, once."""
    return IssuedKeyAnswer(**key_answer(issued.key).model_dump(), key=issued.secret)
