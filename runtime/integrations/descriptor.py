"""The language of descriptors: what the YAML files of a vendor's folder may say. Values: `values`; holes: `template`.

A file describes one node type in one family of versions. `operations` maps `resource.operation` (or `operation` where
the node has no resources, `*` for all others) to an operation, or to a list of which the first whose `when` holds counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.integrations.template import Template

__all__ = [
    "CredentialChoice",
    "Descriptor",
    "ErrorRule",
    "Operation",
    "Paging",
    "Part",
    "RequestSpec",
    "Step",
    "holds_in",
    "listed",
    "requests_of",
]

Value = Any
"""JSON with holes and directives."""
Condition = Any
"""See `values.holds`."""


ErrorItem = Literal["message", "named", "bare", "description", "object", "described"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Model):
    """A part of a multipart body: a field, or a file of the item."""

    each: Value = None
    """A list with a part per element (`$each`, `$index`)."""
    name: Value = None
    value: Value = None
    fields: Value = None
    """An object whose members are parts."""
    file: Value = None
    """The name of the item's binary."""
    filename: Value = None
    """In place of the file's own name; False: the part has none."""
    type: Value = None
    when: Condition = None


class Paging(_Model):
    """How further pages are asked for."""

    when: Condition = Template("{returnAll}")
    """All pages; else one request, whose elements are cut at `limit`."""
    limit: Value = Template("{limit}")
    items: Value
    """The elements of a page."""
    next: Mapping[str, Value] = Field(default_factory=dict)
    """Members of the next request (`query`, `json`, `form`: merged; `url` with its query, `path`: in place). Paging ends when one of its
    holes has no value."""
    more: Condition = None
    """Whether there is a next page; None: as `next` says."""
    before: Sequence["Step"] = ()
    """What is done before each further page: n8n's node asks for its site, or a token, with every request."""
    blind: bool = False
    """Whether a page is asked for again as long as `more` holds, also where `next` has no value: n8n's node asks until it is told to stop."""
    needs_list: bool = False
    """Whether a page without a list of elements fails, as where n8n's node spreads it; else one of a single page is an item."""
    needs_last: str | None = None
    """The path of a member of the last element that n8n's node reads after each page that is not the one where it stops: it fails where
    the path leads through what is not there."""
    every: bool = False
    """Whether pages are asked for until `limit` is reached, too."""


class ErrorRule(_Model):
    """A response that is an error although its status is not, or whose error has a text of its own."""

    when: Condition
    message: Value
    description: Value = None


class Limits(_Model):
    """So many requests in each window of so many seconds, and so many at a time."""

    requests: int = Field(ge=1, le=500)
    seconds: float = Field(gt=0, le=3600)
    parallel: int | None = Field(None, ge=1)
    name: str = ""
    """What they are for, where a vendor limits each operation by itself."""


class RequestSpec(_Model):
    """One request."""

    method: Value = "GET"
    url: Value = None
    """Absolute; in place of `base` and `path`."""
    path: Value = ""
    query: Value = None
    plain_errors: bool = False
    """Whether an error status is told as the HTTP client tells it, as where n8n's node makes no error of its own of it."""
    keeps_query: bool = False
    """Whether members of the query that an item does not set are those of the items before it (`$kept`), as where n8n's node has one
    object for all."""
    headers: Value = None
    json_: Value = Field(default=None, alias="json")
    form: Value = None
    multipart: Sequence[Part] | None = None
    body: Value = None
    """Text."""
    file: Value = None
    """The name of the item's binary that is the body."""
    type: Value = None
    """The content type of `body` or `file`; of `multipart` a type other than multipart/form-data."""
    response: Literal["json", "text", "file"] = "json"
    filename: Value = None
    """Of a response that is a file."""
    mime: Value = None
    accept: Sequence[int] = ()
    """Error statuses that are no errors here: a trigger's registration that is gone."""
    sign: bool = True
    """Whether the rule of the credential's type signs it; False: its values carry the credential."""
    repeat_unauthorized: bool = True
    """Whether it is sent once more when it is answered 401, where the descriptor says so."""
    bare: bool = False
    """Whether it carries nothing of the credential, the descriptor's headers included, so that it may go to any host."""
    limits: Limits | None = None
    """What the vendor bears of this request, in place of the descriptor's limits."""
    arrays: Literal["indices", "brackets", "repeat"] = "indices"
    page: Paging | None = None


class Step(_Model):
    """A step of an operation: a request, values with names, an error, or steps per element of a list."""

    name: str | None = None
    """What later holes call the response (`$name`); for `each` the list of the last responses."""
    once: bool = False
    """Whether the response of this name serves all items of a run; nothing in the request depends on the item."""
    when: Condition = None
    request: RequestSpec | None = None
    set: Mapping[str, Value] | None = None
    fail: Value = None
    each: Value = None
    do: Sequence["Step"] = ()
    fails_node: bool = False
    """Whether its error is the node's, as `Operation.fails_node` says."""


class Operation(_Model):
    """What happens per input item."""

    when: Condition = None
    request: RequestSpec | None = None
    steps: Sequence[Step] = ()
    program: str | None = None
    """A function of the vendor's module that does it all, for all items (see `operation.Run`), where items share requests."""
    item_program: str | None = None
    """A function of the vendor's module that does it for one item: `async def name(run: Run, scope: Scope) -> list[Item]`."""
    tool_talk: str | None = None
    """An object of the vendor's module that leads the conversation where tools are connected (see `tool_talk.ToolTalk`)."""
    output: Value = None
    """A list: an item per element; None: the response, or the elements of all pages."""
    binary: Mapping[str, Value] | None = None
    """Name -> the file (`$file`, or the name of a step) of the output item."""
    share: bool | Sequence[float] = False
    """Whether one run with the first item's parameters serves all items, or the versions in which it does."""
    pair: Literal["item", "all", "none"] = "item"
    error_item: ErrorItem | None = None
    """What an item says that takes the place of a failed one; null: as of the node."""
    fails_node: bool | Sequence[float] = False
    """Whether an error of an item is the node's, which hands on its input where it goes on after errors: n8n's code has no handler
    there. Or the versions in which it is."""
    asks: bool = False
    """Whether it sends a question and waits for the answer; `request` sends `$message` and `$buttons`."""
    catches: bool = False
    """Whether a question that could not be sent is an error item where the node goes on after errors; else it is the node's error."""

    def shared(self, version: float) -> bool:
        """Return whether one run serves all items in a version of the node."""
        return holds_in(self.share, version)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.request is not None, bool(self.steps), self.program is not None, self.item_program is not None)
        if sum(ways) > 1:
            raise ValueError("an operation has one of request, steps, program and item_program")
        if self.program is not None and self.when is not None:
            raise ValueError("a program is for all items, so no condition of one item chooses it: use item_program")
        return self


class CredentialChoice(_Model):
    """A credential type, and when the node uses it (n8n's display conditions)."""

    type: str
    show: Mapping[str, list[Any]] = Field(default_factory=dict)
    scopes: Sequence[str] = ()
    """Of a Google service account (`googleApi`), whose token is fetched for them."""


class Descriptor(_Model):
    """A node type in one family of versions."""

    type: str
    versions: Sequence[float]
    name: str
    """The vendor's name, in messages."""
    base: Value = ""
    headers: Mapping[str, Value] = Field(default_factory=dict)
    credentials: Sequence[CredentialChoice] = ()
    limits: Limits | None = None
    """What the vendor bears of one credential, from all workers together."""
    sign: bool = True
    """Whether the credential's own rule signs requests; False: its fields are in the descriptor's values."""
    declarative: bool = False
    """Whether the requests of all items are sent before the error of one ends the run, as n8n's declarative nodes do."""
    empty_text: bool = False
    """Whether a response without a body is an empty text, as where n8n's node sends with `httpRequest`; else it is undefined."""
    omits_empty_json: bool = False
    """Whether a JSON body without members is not sent, as where n8n's node takes it away. It never is where `declarative`
    holds."""
    repeat_unauthorized: bool | Sequence[float] = False
    """Whether a request that is answered 401 is sent once more, as n8n does where the node has it sign the request; or the versions in
    which it is."""
    body_in_errors: bool = False
    """Whether the raw text of an error status is the status and the body, as where n8n's node sends with its older helper."""
    errors: Sequence[ErrorRule] = ()
    error_item: ErrorItem = "message"
    """What an item says that takes the place of a failed one; without a description the message. `object`: message and error.
    `named`: the name of the error and the message, as JavaScript makes a text of an error.
    `bare`: nothing, as where n8n's code puts the error beside an empty object.
    `described`: the message, and the description of what is wrong with a file."""
    fails_node: bool | Sequence[float] = False
    """Of all operations: see `Operation.fails_node`."""
    fails_after_first: bool = False
    """Whether an error of an item after the first is the node's: n8n's code looks for that item in an input that is not there."""
    keeps_lists: bool = False
    """Whether a list that a program gives for an item stays one, as where n8n's node makes items itself; else each element is an item."""
    numbers_errors: bool = False
    """Whether n8n writes the number of the item behind the text of an error."""
    patterns: Mapping[str, str] = Field(default_factory=dict)
    """Parameter -> RE2 pattern whose first group is the id in a URL of a resource locator; `parameter.mode`: in another mode."""
    titles: Mapping[str, str] = Field(default_factory=dict)
    """Parameter with a pattern -> what n8n calls it in errors, where that is not the words of its name without `Id`."""
    tables: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)
    values: Mapping[str, Value] = Field(default_factory=dict)
    """Values with names: read as `$name` in every operation."""
    once: Sequence[str] = ()
    """Names of `values` that the first item gives for all items: n8n's node reads their parameters once. Their error is the node's."""
    resource: str = "resource"
    operation: str = "operation"
    """The parameters that select the operation."""
    operations: Mapping[str, Operation | Sequence[Operation]]
    asks_models: Sequence[str] = ()
    """Ends of the paths of POST requests that ask a model: they count towards usage and the limits of models."""
    read_only: Sequence[str] = ()
    """Operations that change nothing at the vendor although not all of their requests are GET, or a program sends them."""
    unknown: Literal["empty", "fails"] = "empty"
    """What n8n does with an operation that it has not: it gives an item without data per item, or fails."""
    unused: Mapping[str, str] = Field(default_factory=dict)
    """`operation:parameter` (`*` for all operations) -> why not reading it changes nothing."""
    unsupported: Mapping[str, str] = Field(default_factory=dict)
    """`operation:parameter`, or `operation:collection.member` -> what to do instead, where it has another value than its default
    (a member: any that is not false or empty); `operation:parameter=choice`: where the choice is taken, alone or among others."""
    parts: Mapping[str, str] = Field(default_factory=dict)
    """`operation:port`: a port for sub-nodes that n8n has and this descriptor has not (`ai_tool`) -> what to do instead."""
    missing: Mapping[str, str] = Field(default_factory=dict)
    """An operation that n8n has and this descriptor has not (`*`: all others) -> why, or what to do instead."""

    def only_reads(self, key: str) -> bool:
        """Return whether an operation changes nothing at the vendor: it is said to, or all of its requests are GET."""
        if key in self.read_only:
            return True
        variants = listed(self.operations.get(key, ()))
        return bool(variants) and all(map(_only_gets, variants))


def holds_in(versions: bool | Sequence[float], version: float) -> bool:
    """Return whether something is so in a version of the node: in all, in none, or in those that are listed."""
    return versions if isinstance(versions, bool) else version in versions


def listed(operations: Operation | Sequence[Operation]) -> Sequence[Operation]:
    """Return the variants of an operation."""
    return [operations] if isinstance(operations, Operation) else operations


def requests_of(operation: Operation) -> list[RequestSpec]:
    """Return the requests of an operation, those of its steps included."""
    return [each for each in (operation.request, *_requests(operation.steps)) if each is not None]


def _only_gets(operation: Operation) -> bool:
    sent = requests_of(operation)
    return bool(sent) and all(each.method == "GET" for each in sent)


def _requests(steps: Sequence[Step]) -> Iterator[RequestSpec | None]:
    for each in steps:
        yield each.request
        yield from _requests(each.do)
