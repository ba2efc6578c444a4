"""monday.com: the GraphQL of each operation, its variables, and the pages of items."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeError
from runtime.integrations.filters import is_empty, snake_case
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, json_stringify
from runtime.values.json_text import NotJsonError, parse_json
from schemas.item import UNDEFINED

PAGE: Final = 100
_ITEM: Final = """
  id name created_at state {board}
  column_values {
    id text type value
    ... on BoardRelationValue { display_value linked_item_ids }
    ... on DependencyValue { display_value linked_item_ids }
    ... on MirrorValue { display_value }
    ... on SubtasksValue { display_value subitems { id name } }
    column { title archived description settings_str }
  }
"""
_ITEM_OF_GROUP: Final = _ITEM.replace("{board}", "")
_ITEM_OF_BOARD: Final = _ITEM.replace("{board}", "board { id }")
QUERIES: Final[Mapping[str, str]] = {
    "board.archive": "mutation ($id: ID!) { archive_board (board_id: $id) { id } }",
    "board.create": "mutation ($name: String!, $kind: BoardKind!, $templateId: ID)"
    " { create_board (board_name: $name, board_kind: $kind, template_id: $templateId) { id } }",
    "board.get": "query ($id: [ID!])"
    " { boards (ids: $id) { id name description state board_folder_id board_kind owners { id } } }",
    "board.getAll": "query ($page: Int, $limit: Int)"
    " { boards (page: $page, limit: $limit) { id name description state board_folder_id board_kind owners { id } } }",
    "boardColumn.create": "mutation ($boardId: ID!, $title: String!, $columnType: ColumnType!, $defaults: JSON)"
    " { create_column (board_id: $boardId, title: $title, column_type: $columnType, defaults: $defaults) { id } }",
    "boardColumn.getAll": "query ($boardId: [ID!])"
    " { boards (ids: $boardId) { columns { id title type settings_str archived } } }",
    "boardGroup.create": "mutation ($boardId: ID!, $groupName: String!)"
    " { create_group (board_id: $boardId, group_name: $groupName) { id } }",
    "boardGroup.delete": "mutation ($boardId: ID!, $groupId: String!)"
    " { delete_group (board_id: $boardId, group_id: $groupId) { id } }",
    "boardGroup.getAll": "query ($boardId: [ID!])"
    " { boards (ids: $boardId) { id groups { id title color position archived } } }",
    "boardItem.addUpdate": "mutation ($itemId: ID!, $value: String!)"
    " { create_update (item_id: $itemId, body: $value) { id } }",
    "boardItem.changeColumnValue": "mutation ($boardId: ID!, $itemId: ID!, $columnId: String!, $value: JSON!)"
    " { change_column_value (board_id: $boardId, item_id: $itemId, column_id: $columnId, value: $value) { id } }",
    "boardItem.changeMultipleColumnValues": "mutation ($boardId: ID!, $itemId: ID!, $columnValues: JSON!)"
    " { change_multiple_column_values (board_id: $boardId, item_id: $itemId, column_values: $columnValues) { id } }",
    "boardItem.create": "mutation ($boardId: ID!, $groupId: String!, $itemName: String!, $columnValues: JSON)"
    " { create_item (board_id: $boardId, group_id: $groupId, item_name: $itemName, column_values: $columnValues)"
    " { id } }",
    "boardItem.delete": "mutation ($itemId: ID!) { delete_item (item_id: $itemId) { id } }",
    "boardItem.get": f"query ($itemId: [ID!]) {{ items (ids: $itemId) {{ {_ITEM_OF_GROUP} }} }}",
    "boardItem.getAll": "query ($boardId: [ID!], $groupId: [String], $limit: Int) { boards (ids: $boardId)"
    f" {{ groups (ids: $groupId) {{ id items_page (limit: $limit) {{ cursor items {{ {_ITEM_OF_GROUP} }} }} }} }} }}",
    "boardItem.getByColumnValue": "query ($boardId: ID!, $columnId: String!, $columnValue: String!, $limit: Int)"
    " { items_page_by_column_values (limit: $limit, board_id: $boardId,"
    " columns: [{ column_id: $columnId, column_values: [$columnValue] }])"
    f" {{ cursor items {{ {_ITEM_OF_BOARD} }} }} }}",
    "boardItem.move": "mutation ($groupId: String!, $itemId: ID!)"
    " { move_item_to_group (group_id: $groupId, item_id: $itemId) { id } }",
}
_NEXT: Final = (
    f"query ($cursor: String!) {{ next_items_page (cursor: $cursor, limit: {PAGE}) {{ cursor items {{ ITEM }} }} }}"
)
_VARIABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "board.archive": {"id": "boardId"},
    "board.create": {"name": "name", "kind": "kind"},
    "board.get": {"id": "boardId"},
    "boardColumn.create": {"boardId": "boardId", "title": "title", "columnType": "columnType"},
    "boardColumn.getAll": {"boardId": "boardId"},
    "boardGroup.create": {"boardId": "boardId", "groupName": "name"},
    "boardGroup.delete": {"boardId": "boardId", "groupId": "groupId"},
    "boardGroup.getAll": {"boardId": "boardId"},
    "boardItem.addUpdate": {"itemId": "itemId", "value": "value"},
    "boardItem.changeColumnValue": {"boardId": "boardId", "itemId": "itemId", "columnId": "columnId"},
    "boardItem.changeMultipleColumnValues": {"boardId": "boardId", "itemId": "itemId"},
    "boardItem.create": {"boardId": "boardId", "groupId": "groupId", "itemName": "name"},
    "boardItem.delete": {"itemId": "itemId"},
    "boardItem.getAll": {"boardId": "boardId", "groupId": "groupId"},
    "boardItem.getByColumnValue": {"boardId": "boardId", "columnId": "columnId", "columnValue": "columnValue"},
    "boardItem.move": {"groupId": "groupId", "itemId": "itemId"},
}
"""Operation -> variable -> the parameter that is its value."""


def _key(scope: Scope) -> str:
    return f"{js_string(scope.parameters.get('resource'))}.{js_string(scope.parameters.get('operation'))}"


def query(scope: Scope) -> str:
    """Return the GraphQL of the operation, in one line."""
    return " ".join(QUERIES[_key(scope)].split())


def variables(scope: Scope) -> dict[str, Any]:
    """Return the variables of the operation. Raise NodeError for values that are no JSON."""
    parameters, key = scope.parameters, _key(scope)
    made = {name: parameters.get(source) for name, source in _VARIABLES.get(key, {}).items()}
    if key == "boardColumn.create":
        made["columnType"] = snake_case(js_string(made["columnType"]))
    elif key == "boardColumn.getAll":
        made["page"] = 1
    options = parameters.get("additionalFields") or {}
    if key == "boardItem.get":
        made["itemId"] = js_string(parameters.get("itemId", UNDEFINED)).split(",")
    elif key == "boardItem.changeColumnValue":
        made["value"] = _json_text(parameters.get("value"), "Custom Values must be a valid JSON")
    elif key == "boardItem.changeMultipleColumnValues":
        made["columnValues"] = _json_text(parameters.get("columnValues"), "Custom Values must be a valid JSON")
    elif key == "boardItem.create" and not is_empty(options.get("columnValues")):
        made["columnValues"] = _json_text(options["columnValues"], "Custom Values must be a valid JSON")
    elif key == "boardColumn.create" and not is_empty(options.get("defaults")):
        made["defaults"] = _json_text(options["defaults"], "Defaults must be a valid JSON")
    elif key == "board.create" and options.get("templateId"):
        made["templateId"] = options["templateId"]
    return made


def _json_text(value: Any, message: str) -> str:
    try:
        return json_stringify(parse_json(js_string(value))) or "null"
    except NotJsonError as error:
        raise NodeError(message) from error


def next_page(scope: Scope) -> dict[str, Any]:
    """Return the variables of the next page of boards, beside the query."""
    return {"query": query(scope), "variables": {"page": scope.names["pageNumber"] + 1, "limit": 50}}


async def items(run: Run, scope: Scope) -> list[Item]:
    """Return items of a group, or with a value in a column: up to `limit`, or all of them in pages."""
    everything = bool(scope.parameters.get("returnAll"))
    limit = PAGE if everything else scope.parameters.get("limit")
    answer = await _ask(run, scope, query(scope), variables(scope) | {"limit": limit})
    data = answer.get("data") or {}
    by_column = scope.parameters.get("operation") == "getByColumnValue"
    groups = [group for board in data.get("boards") or [] for group in board.get("groups") or []]
    given = [data.get("items_page_by_column_values")] if by_column else [each.get("items_page") for each in groups]
    pages = [each for each in given if isinstance(each, Mapping)]
    following_query = " ".join(_NEXT.replace("ITEM", _ITEM_OF_BOARD if by_column else _ITEM_OF_GROUP).split())
    found: list[Any] = []
    for page in pages:
        found += page.get("items") or []
        cursor = page.get("cursor") if everything else None
        while cursor:
            answer = await _ask(run, scope, following_query, {"cursor": cursor})
            following = (answer.get("data") or {}).get("next_items_page") or {}
            found += following.get("items") or []
            cursor = following.get("cursor")
    return [{"json": each} for each in found]


async def _ask(run: Run, scope: Scope, text: str, values: Mapping[str, Any]) -> Any:
    return await run.request(scope, method="POST", json={"query": text, "variables": dict(values)})
