"""A finding and its place. The other modules of this package hold one class per code."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict

from schemas.redact import redact

MAX_LISTED: Final = 12
"""Members of a list that a message names."""
SOURCE: Final = "https://github.com/tempor8/tempor8/blob/main"
PAGES: Final = f"{SOURCE}/docs/diagnostics"


class Severity(StrEnum):
    """How bad a finding is: an error stops the export from running, a warning does not, info only informs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Location:
    """Where in an export: the file, the node, the JSON Pointer, and line and column once the source is known.

    `offset` counts characters into the text at the pointer (an expression's error lies inside its string). Lines and
    columns start at 1.
    """

    file: str = ""
    pointer: str = ""
    node: str | None = None
    node_id: str | None = None
    offset: int | None = None
    line: int | None = None
    column: int | None = None

    def within(self, *keys: str | int) -> "Location":
        """Return a place within this one, deeper in the document."""
        return replace(self, pointer=self.pointer + pointer(*keys), offset=None)

    def after(self, characters: int) -> "Location":
        """Return the place so many characters into the text at this one."""
        return replace(self, offset=characters)


def pointer(*keys: str | int) -> str:
    """Return the JSON Pointer (RFC 6901) of a path."""
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


class Diagnostic(BaseModel):
    """A finding. Subclasses declare `code`, `severity`, a `text` with the facts in braces, and the facts as fields.

    The docstring of a subclass is its page in `docs/diagnostics/`: what the code means, `## Why it matters`,
    `## What to do`. Its example is in `compiler/report/examples/<code>/`.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)  # most classes are not used in a run

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    text: ClassVar[str]
    hint_text: ClassVar[str] = ""
    at_key: ClassVar[bool] = False
    """Whether the finding is about the name of a member, so that the caret goes under the name."""

    suppressible: ClassVar[bool] = True
    """Whether the author may suppress it in the notes of a node; what makes a plan impossible cannot be suppressed."""

    unsupported: ClassVar[bool] = False
    """Whether it says that this build cannot run something that is valid; `--allow-unsupported` makes it a warning."""
    refused: ClassVar[bool] = False
    """Whether n8n too refuses to start a run that could reach the node ("The workflow has issues")."""

    at: Location
    softened: Severity | None = None
    """A milder severity that this one finding has, for instance on a node that never runs."""

    @property
    def level(self) -> Severity:
        """The severity of this finding: `softened` if that is set, else that of its class."""
        return self.softened or self.severity

    def soften(self, severity: Severity = Severity.WARNING) -> Self:
        """Return the finding with a milder severity, or unchanged if it is as mild already."""
        ranks = list(Severity)
        milder = ranks.index(severity) > ranks.index(self.level)
        return self.model_copy(update={"softened": severity}) if milder else self

    @property
    def message(self) -> str:
        """The message for the author of the workflow."""
        return self.text.format(**self.fact_texts)

    @property
    def issue(self) -> str:
        """n8n's line of "The 'X' node has issues:" for the finding, where it differs from the message."""
        return self.message

    @property
    def hint(self) -> str:
        """What to do about the finding; may be empty."""
        return self.hint_text.format(**self.fact_texts).strip()

    @property
    def facts(self) -> dict[str, Any]:
        """The fields of the subclass."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in ("at", "softened")}

    @property
    def lacks(self) -> str:
        """What this build would have to support for the finding to go away; empty unless `unsupported`."""
        return ""

    @property
    def url(self) -> str:
        """The page about the code."""
        return f"{PAGES}/{self.code}.md"

    def to_json(self) -> dict[str, Any]:
        """Return the finding as data, for `--format json` and the API."""
        at = self.at
        place = {"file": at.file, "line": at.line, "column": at.column, "pointer": at.pointer}
        finding = {"code": self.code, "severity": self.level.value, "message": self.message, "hint": self.hint}
        return finding | place | {"node": at.node, "nodeId": at.node_id, "facts": self.fact_texts, "url": self.url}

    @property
    def fact_texts(self) -> dict[str, str]:
        """The facts as text: lists joined by commas, numbers as n8n writes them."""
        return {name: show(value) for name, value in self.facts.items()}


def show(value: Any) -> str:
    """Return a fact as text; what looks like a secret is masked."""
    if isinstance(value, list | tuple):
        text = ", ".join(show(each) for each in value[:MAX_LISTED])
        return text + (f" and {len(value) - MAX_LISTED} more" if len(value) > MAX_LISTED else "")
    return f"{value:g}" if isinstance(value, float) else redact(str(value))


def declared(family: type[Diagnostic] = Diagnostic) -> Iterator[type[Diagnostic]]:
    """Yield every concrete class that has been loaded."""
    for each in family.__subclasses__():
        if "code" in vars(each):
            yield each
        yield from declared(each)
