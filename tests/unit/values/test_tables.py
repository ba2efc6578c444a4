"""What a data table refuses, in n8n's words."""

from typing import Any

import pytest

from runtime.values.tables import Column, Table, TableCondition, TableError

NOW = "2026-01-01T00:00:00.000Z"
COLUMNS = [Column("name", "string"), Column("age", "number"), Column("ok", "boolean"), Column("at", "date")]

REFUSED = [
    ({"extra": 1}, "Validation error with data table request: unknown column name 'extra'"),
    ({"age": "x"}, "value 'x' does not match column type 'number': 'age' expects a number but we got 'x'"),
    ({"ok": "maybe"}, "value 'maybe' does not match column type 'boolean': 'ok' expects a boolean but we got 'maybe'"),
    (
        {"at": "nodate"},
        "value 'nodate' does not match column type 'date': 'at' expects a dateTime but we got 'nodate' <br",
    ),
    ({"name": {"a": 1}}, "unexpected object input '{\"a\":1}' in row 0"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_a_row_that_does_not_fit_its_columns(values: dict[str, Any], message: str) -> None:
    table = Table("1", "t", COLUMNS)
    with pytest.raises(TableError) as caught:
        table.insert(values, NOW)
    assert message in str(caught.value)
    assert not table.rows


def test_an_update_of_nothing() -> None:
    with pytest.raises(TableError, match="Data columns must not be empty"):
        Table("1", "t", COLUMNS).update([], {}, NOW)


def test_a_condition_on_a_column_that_is_not_there_and_an_order_by_one() -> None:
    table = Table("1", "t", COLUMNS)
    with pytest.raises(TableError, match=r'Filter validation failed: Column\(s\) "zzz" do not exist'):
        table.select([TableCondition("zzz", "eq", 1)], every=True)
    with pytest.raises(TableError, match="Specified column does not exist"):
        table.ordered([], "zzz", descending=False)


@pytest.mark.parametrize("name", ["id", "createdAt", "1a", "a b", "", "a-b"])
def test_a_column_that_no_table_can_have(name: str) -> None:
    with pytest.raises(TableError, match="cannot be the name of a column"):
        Column(name, "string")
