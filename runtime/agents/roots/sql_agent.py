"""SQL Agent: a model that answers questions about a database. What it looks up is a step each, as a call of a tool is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from runtime.agents.messages import ToolCall, ToolSpec, dumps
from runtime.agents.roots.agent_loop import DIFFERS, Agent
from runtime.agents.roots.root import Continue, Finish, ItemState, defined_prompt, input_prompt
from runtime.agents.roots.tool_calls import MAX_CALLS, TOO_MANY_CALLS
from runtime.agents.tools.durable_tool import DurableTool
from runtime.contract import ActivityContext, Call, Command, DurableContext, Dynamic, NodeError, param
from runtime.contract.capabilities import SqlSession
from runtime.values.postgres_text import format_query
from schemas.facts import CredentialUse
from schemas.item import Item, Json
from schemas.sql import DatabaseError, SqlResult

LOCATED: Final[list[Any]] = [{"_cnd": {"gte": 1.7}}]
NO_FILE: Final = "load the file into a Postgres or MySQL database: a file of SQLite is opened by no worker"
PROMPT: Final = (
    "You answer questions about a {dialect} database. List its tables, look at the columns of those that may matter, write one correct "
    "{dialect} query, and answer from its result alone. Ask for at most {top_k} rows unless the question says how many, and for the "
    "columns that the answer needs. Check a query before you run it; when it fails, mend it and run it again. Never change data. When "
    "the question is not about this database, say that you do not know."
)
TABLES, COLUMNS, QUERY = "list_tables", "describe_tables", "run_query"
TOOLS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    TABLES: ("The names of the tables.", {}),
    COLUMNS: ("The columns of tables, and some rows of each.", {"tables": "their names, with commas between them"}),
    QUERY: ("Runs one query and returns its rows as JSON.", {"query": "the query"}),
}
"""Name -> what the model is told, and its arguments."""
DIALECTS: Final = {"postgres": "PostgreSQL", "mysql": "MySQL"}
READ_ONLY: Final = {
    "postgres": "SET default_transaction_read_only = on",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
}
SCHEMA: Final = {"postgres": "table_schema = ANY (current_schemas(false))", "mysql": "table_schema = DATABASE()"}
_BETWEEN: Final = re.compile(r"[\s,;]+")
ONE_STATEMENT: Final = "A query is one statement: leave out the semicolon, or run the statements one after the other."


class SqlAgent(Agent):
    """Its tools look into the database of the credential."""

    credential_uses = (
        CredentialUse("postgres", {"dataSource": ["postgres"]}),
        CredentialUse("mySql", {"dataSource": ["mysql"]}),
    )
    differs = (
        "It calls tools as the Tools Agent does, so that the suffix of the prompt has no use; it reads alone: a query that changes data "
        f"fails; {DIFFERS}"
    )

    kind_of_agent: str = param("conversationalAgent", alias="agent", since={1.6: "toolsAgent"})
    data_source: str = param("sqlite", since={1.4: "postgres"}, unsupported={"sqlite": NO_FILE})
    binary_property_name: Dynamic[str] = param("data", show={"dataSource": ["sqlite"]})
    input: Dynamic[Any] = param("", show={"@version": [{"_cnd": {"lte": 1.2}}]}, required=True)
    prompt_type: str = param("auto", hide={"@version": [{"_cnd": {"lte": 1.2}}]})
    text_guarded: Dynamic[Any] = param(
        "={{ $json.guardrailsInput }}", alias="text", show={"promptType": ["guardrails"], "@version": LOCATED}
    )
    text_auto: Dynamic[Any] = param(
        "={{ $json.chatInput }}", alias="text", show={"promptType": ["auto"], "@version": LOCATED}
    )
    text_defined: Dynamic[Any] = param("", alias="text", show={"promptType": ["define"]}, required=True)
    options: Dynamic[dict[str, Any]] = param({})

    def begin(self, context: DurableContext, item_state: ItemState) -> Continue | Finish:
        """Refuse a file of SQLite (in an export that was compiled with `--allow-unsupported`)."""
        if self.data_source not in DIALECTS:
            raise NodeError(f"The data source '{self.data_source}' is not supported", description=NO_FILE)
        return super().begin(context, item_state)

    def prompt(self, context: DurableContext, item: Item) -> Any:
        """Return the question, whose parameter differs between versions."""
        if context.version <= 1.2:
            return self.input
        if self.prompt_type == "define":
            return defined_prompt(self, "text_defined")
        return input_prompt(self.prompt_type, item)

    def parses(self, version: float) -> bool:
        """Return that no output parser is used."""
        del version
        return False

    def _options(self, context: DurableContext, item_state: ItemState) -> Mapping[str, Any]:
        return {**super()._options(context, item_state), "returnIntermediateSteps": True}  # always (n8n)

    def _system(self, context: DurableContext, item_state: ItemState) -> str:
        options = self._options(context, item_state)
        text = str(options.get("prefixPrompt") or PROMPT)
        for name, value in (("dialect", DIALECTS[self.data_source]), ("top_k", options.get("topK") or 10)):
            text = text.replace("{" + name + "}", str(value))
        return text

    def _tools(self, context: DurableContext, item_state: ItemState) -> list[ToolSpec]:
        del context, item_state
        return [_spec(name, described, arguments) for name, (described, arguments) in TOOLS.items()]

    def _orders(
        self, context: DurableContext, item_state: ItemState, calls: Sequence[ToolCall], unfit: dict[str, str]
    ) -> list[Command | DurableTool | str]:
        options, i = self._options(context, item_state), item_state["i"]
        scope = {name: _names(options.get(name)) for name in ("includedTables", "ignoredTables")}
        rows = options.get("includeSampleRows")
        made: list[Command | DurableTool | str] = []
        for call in calls[:MAX_CALLS]:
            if call["id"] in unfit or call["name"] not in TOOLS:
                made.append(unfit.get(call["id"]) or f"{call['name']} is not a valid tool, try another one.")
                continue
            payload = {
                "tool": call["name"],
                "arguments": call["arguments"],
                "rows": 3 if rows is None else rows,
                **scope,
            }
            made.append(Call("look_up", cast(Json, payload), item=i))
        return made + [TOO_MANY_CALLS] * len(calls[MAX_CALLS:])

    async def look_up(self, context: ActivityContext, payload: Json) -> Json:
        """Return the output of a tool; `payload`: `tool`, `arguments`, `rows` of a table that are shown, and the tables that count. What
        the server says of a query that fails is for the model. Raise NodeError: the server cannot be reached.
        """
        asked = cast("dict[str, Any]", payload)
        postgres = self.data_source == "postgres"
        connection = context.databases.postgres() if postgres else context.databases.mysql(several=False)
        try:
            async with connection as session:
                try:
                    await session.query(READ_ONLY[self.data_source])
                    text = await self._answer(session, asked)
                except DatabaseError as error:
                    text = f"Error: {error.message}"
        except DatabaseError as error:
            raise NodeError(error.message) from error
        return cast(Json, [[{"json": {"response": text}}]])

    async def _answer(self, session: SqlSession, asked: dict[str, Any]) -> str:
        arguments = asked["arguments"]
        if asked["tool"] == QUERY:
            query = str(arguments.get("query", "")).strip().rstrip(";").rstrip()
            if ";" in query:
                return ONE_STATEMENT
            return dumps([row for result in await session.query(query) for row in _rows(result)])
        tables = await self._tables(session, asked)
        if asked["tool"] == TABLES:
            return ", ".join(tables)
        wanted = _names(arguments.get("tables"))
        unknown = [name for name in wanted if name not in tables]
        if unknown:
            return f"There is no table {', '.join(unknown)}. The tables are {', '.join(tables)}."
        return "\n\n".join([await self._described(session, name, int(asked["rows"])) for name in wanted])

    async def _tables(self, session: SqlSession, asked: dict[str, Any]) -> list[str]:
        (found,) = await session.query(
            f"SELECT table_name FROM information_schema.tables WHERE {SCHEMA[self.data_source]} ORDER BY 1"  # noqa: S608
        )
        names = [str(row[0]) for row in found.rows]
        kept = asked["includedTables"] or names
        return [name for name in names if name in kept and name not in asked["ignoredTables"]]

    async def _described(self, session: SqlSession, table: str, rows: int) -> str:
        text = (
            f"SELECT column_name, data_type FROM information_schema.columns WHERE {SCHEMA[self.data_source]} "  # noqa: S608
            "AND table_name = $1 ORDER BY ordinal_position"
        )
        (columns,) = await session.query(format_query(text, [table]))
        told = f"{table} ({', '.join(' '.join(map(str, row)) for row in columns.rows)})"
        if rows <= 0:
            return told
        mark = '"' if self.data_source == "postgres" else "`"
        quoted = f"{mark}{table.replace(mark, mark * 2)}{mark}"
        (found,) = await session.query(f"SELECT * FROM {quoted} LIMIT {rows}")  # noqa: S608
        return "\n".join([told, *(dumps(row) for row in _rows(found))])


def _spec(name: str, described: str, arguments: dict[str, str]) -> ToolSpec:
    properties = {each: {"type": "string", "description": text} for each, text in arguments.items()}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if arguments:  # a call without arguments fits whatever a model adds
        schema |= {"required": list(arguments), "additionalProperties": False}
    return {"name": name, "description": described, "schema": schema}


def _names(text: Any) -> list[str]:
    """Return the names of tables in a text."""
    return [each for each in _BETWEEN.split(str(text or "")) if each]


def _rows(result: SqlResult) -> Iterable[dict[str, Any]]:
    """Yield rows as the server writes them."""
    names = [column.name for column in result.columns]
    for row in result.rows:
        cells = (each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in row)
        yield dict(zip(names, cells, strict=True))
