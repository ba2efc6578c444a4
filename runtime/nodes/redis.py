"""Redis: keys, lists, counters and channels of a server of the tenant's."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from runtime.contract import Activity, ActivityContext, Dynamic, Item, Items, NodeError, Outputs, each_item_async, param
from runtime.contract.capabilities import RedisSession
from runtime.nodes.checkpoint import Checkpoint
from runtime.values.javascript import js_number, js_string, truthy
from runtime.values.json_text import NotJsonError, parse_json
from runtime.values.paths import set_path
from schemas.facts import CredentialUse
from schemas.sql import DatabaseError

_PLAIN_NUMBER: Final = re.compile(r"[\d.]+", re.ASCII)
_LEADING_NUMBER: Final = re.compile(r"\d*\.?\d+|\d+", re.ASCII)
_READS: Final = ("get", "info", "keys", "llen")
_NO_TYPE: Final = "Could not identify the type to set. Please set it manually!"
MAX_KEYS: Final = 10_000
"""Keys whose values `keys` reads."""


class Redis(Activity):
    """Item after item on one connection. An attempt that was cut off goes on after the items that are done."""

    type = "n8n-nodes-base.redis"
    versions = (1,)
    usable_as_tool = True
    credential_uses = (CredentialUse("redis"),)
    differs = "a reply has at most 64 MB, and Keys reads the values of at most 10,000 keys"

    operation: Literal["delete", "get", "incr", "info", "keys", "llen", "pop", "publish", "push", "set"] = param("info")
    key: Dynamic[str] = param("", show={"operation": ["delete", "get", "incr", "set"]}, required=True)
    property_name: Dynamic[str] = param("propertyName", show={"operation": ["get"]}, required=True, label="Name")
    popped_name: Dynamic[str] = param("propertyName", alias="propertyName", show={"operation": ["pop"]})
    key_type: Literal["automatic", "hash", "list", "sets", "string"] = param(
        "automatic", show={"operation": ["get", "set"]}
    )
    options: Dynamic[dict[str, Any]] = param({}, show={"operation": ["get", "pop"]})
    expire: Dynamic[bool] = param(False, show={"operation": ["incr", "set"]})
    ttl: Dynamic[float] = param(60, show={"operation": ["incr", "set"], "expire": [True]})
    key_pattern: Dynamic[str] = param("", show={"operation": ["keys"]}, required=True)
    get_values: Dynamic[bool] = param(True, show={"operation": ["keys"]})
    list_: Dynamic[str] = param("", alias="list", show={"operation": ["llen", "pop", "push"]}, required=True)
    value: Dynamic[Any] = param("", show={"operation": ["set"]})
    value_is_json: Dynamic[bool] = param(True, alias="valueIsJSON", show={"keyType": ["hash"]})
    channel: Dynamic[str] = param("", show={"operation": ["publish"]}, required=True)
    message_data: Dynamic[Any] = param("", show={"operation": ["publish", "push"]}, required=True, label="Data")
    tail: Dynamic[bool] = param(False, show={"operation": ["pop", "push"]})

    def mutation(self, version: float) -> str | None:
        """Return what an operation changes."""
        del version
        return None if self.operation in _READS else f"its {self.operation}"

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return what the operation gives per item; `info` once."""
        try:
            async with context.databases.redis() as session:
                checkpoint = Checkpoint(context, len(items))

                async def work(i: int, item: Item) -> list[Item]:
                    return await checkpoint.run_once(i, lambda: context.resolve(self, i).items_of(session, item))

                return await each_item_async(context, items[:1] if self.operation == "info" else items, work)
        except DatabaseError as error:
            raise NodeError(error.message, description=error.hint) from error

    async def items_of(self, session: RedisSession, item: Item) -> list[Item]:
        """Return what an item becomes. Raise NodeError."""
        try:
            return [{"json": await self._json(session, item)}]
        except DatabaseError as error:
            raise NodeError(error.message, description=error.hint) from error

    async def _json(self, session: RedisSession, item: Item) -> dict[str, Any]:
        match self.operation:
            case "info":
                return _info(js_string(await session.command("INFO")))
            case "get":
                return self._placed(self.property_name, await _read(session, js_string(self.key), self.key_type))
            case "pop":
                text = await session.command("RPOP" if truthy(self.tail) else "LPOP", js_string(self.list_))
                return self._placed(self.popped_name, _parsed(text))
            case "keys":
                return await self._keys(session)
            case "llen":
                return {js_string(self.list_): await session.command("LLEN", js_string(self.list_))}
            case "incr":
                number = await session.command("INCR", js_string(self.key))
                await self._expire(session)
                return {js_string(self.key): number}
            case _:
                await self._change(session)
                return item["json"]

    async def _change(self, session: RedisSession) -> None:
        if self.operation == "delete":
            await session.command("DEL", js_string(self.key))
        elif self.operation == "publish":
            await session.command("PUBLISH", js_string(self.channel), _argument(self.message_data))
        elif self.operation == "push":
            command = "RPUSH" if truthy(self.tail) else "LPUSH"
            await session.command(command, js_string(self.list_), _argument(self.message_data))
        else:
            await self._set(session)
            await self._expire(session)

    async def _set(self, session: RedisSession) -> None:
        key, value, type_ = js_string(self.key), self.value, self.key_type
        if type_ == "automatic":
            if value is None:
                raise NodeError("Cannot convert undefined or null to object")
            if not isinstance(value, str | list | Mapping):
                raise NodeError(_NO_TYPE)
            type_ = "string" if isinstance(value, str) else "list" if isinstance(value, list) else "hash"
        if type_ == "string":
            await session.command("SET", key, js_string(value))
        elif type_ == "sets":
            await session.command("SADD", key, *map(_argument, value if isinstance(value, list) else [value]))
        elif type_ == "list":
            for i, each in enumerate(value if isinstance(value, list) else js_string(value)):  # n8n sets what is there
                await session.command("LSET", key, i, js_string(each))
        else:
            fields = [part for pair in self._fields(value).items() for part in (pair[0], js_string(pair[1]))]
            await session.command("HSET", key, *fields)

    def _fields(self, value: Any) -> Mapping[str, Any]:
        if isinstance(value, str) and self.key_type == "hash" and not truthy(self.value_is_json):
            words = value.split(" ")
            return dict(zip(words[::2], words[1::2], strict=False))
        if isinstance(value, str):
            try:
                value = parse_json(value)
            except NotJsonError:
                value = list(value)
        if isinstance(value, Mapping):
            return value
        return {str(i): each for i, each in enumerate(value)} if isinstance(value, list) else {}

    async def _expire(self, session: RedisSession) -> None:
        if truthy(self.expire):
            await session.command("EXPIRE", js_string(self.key), js_string(js_number(self.ttl)))

    async def _keys(self, session: RedisSession) -> dict[str, Any]:
        names = await session.command("KEYS", js_string(self.key_pattern))
        if not truthy(self.get_values):
            return {"keys": names}
        if len(names) > MAX_KEYS:
            raise NodeError(
                f"{len(names):,} keys match, and values are read of at most {MAX_KEYS:,}",
                description="Write a narrower pattern, or switch 'Get Values' off",
            )
        values = {name: await _read(session, name, "automatic") for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def _placed(self, name: Any, value: Any) -> dict[str, Any]:
        json: dict[str, Any] = {}
        if self.options.get("dotNotation", True) is False:
            json[js_string(name)] = value
        else:
            set_path(json, js_string(name), value)
        return json


async def _read(session: RedisSession, key: str, type_: str) -> Any:
    """Return the value of a key; None: there is none, or its type is none that n8n finds out by itself."""
    if type_ == "automatic":
        type_ = js_string(await session.command("TYPE", key))
    if type_ == "string":
        return await session.command("GET", key)
    if type_ == "list":
        return await session.command("LRANGE", key, 0, -1)
    if type_ == "sets":
        return await session.command("SMEMBERS", key)
    if type_ == "hash":
        reply = await session.command("HGETALL", key)
        return dict(zip(reply[::2], reply[1::2], strict=False))
    return None


def _argument(value: Any) -> str:
    """Return a text; the client of n8n takes nothing else."""
    if not isinstance(value, str):
        raise NodeError("Invalid argument type")
    return value


def _parsed(text: Any) -> Any:
    try:
        return text if text is None else parse_json(text)
    except NotJsonError:
        return text


def _info(text: str) -> dict[str, Any]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name: _info_value(value) for name, _, value in pairs}


def _info_value(text: str) -> Any:
    if "=" in text:
        pairs = (each.partition("=") for each in text.split(","))
        return {name: _info_number(value) for name, _, value in pairs}
    return _info_number(text)


def _info_number(text: str) -> Any:
    if not _PLAIN_NUMBER.fullmatch(text) or (match := _LEADING_NUMBER.match(text)) is None:
        return text
    number = float(match[0])
    return int(number) if number.is_integer() else number
