"""What counts as one cause: numbers, ids and quoted values of messages do not."""

import pytest

from service.failure_fingerprint import shape_of

SAME = (
    ("Order 17 has no address", "Order 4711 has no address"),
    ("No stock for 'A-17'", "No stock for 'B, 2'"),
    ('Unknown key "one"', 'Unknown key "two"'),
    ("Run 0190f3aa-77aa-7bcd-8eef-0123456789ab is gone", "Run 11112222-3333-4444-5555-666677778888 is gone"),
    ("Request failed with status code 503\nat one", "Request failed with status code 503\nat two"),
    ("Timed out after 30000ms", "Timed out after 28ms"),
)
OTHER = (
    ({"message": "a", "node": "One"}, {"message": "a", "node": "Two"}),
    ({"message": "a", "name": "NodeApiError"}, {"message": "a", "name": "NodeOperationError"}),
    ({"message": "Request failed with status code 401"}, {"message": "Request failed with status code 503"}),
    ({"message": "The address is wrong"}, {"message": "The name is wrong"}),
)


@pytest.mark.parametrize(("one", "two"), SAME)
def test_what_differs_from_run_to_run_does_not_count(one: str, two: str) -> None:
    assert shape_of({"message": one, "node": "N"}) == shape_of({"message": two, "node": {"name": "N"}})


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_node_name_and_words_count(one: dict[str, str], two: dict[str, str]) -> None:
    assert shape_of(one) != shape_of(two)


def test_an_error_without_anything_has_a_shape() -> None:
    assert shape_of({}) == shape_of({"message": None})
