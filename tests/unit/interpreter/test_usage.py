"""What a run keeps of its model requests is bounded, and its sums are those of all requests."""

from typing import Any

from runtime.interpreter.usage import KEPT, add_usage

COUNTS = ("requests", "input_tokens", "output_tokens", "duration_ms")


def request(n: int, **rest: Any) -> dict[str, Any]:
    """A record as a chat model writes it."""
    named = {"agent": f"agent {n % 3}", "node": "A", "model": "m", "status": "error" if n % 10 == 0 else "success"}
    return named | {"requests": 1, "input_tokens": n, "output_tokens": 2, "duration_ms": 5, "started": n} | rest


def test_a_long_run_keeps_the_newest_records_and_sums_of_the_others() -> None:
    everything = [request(n, **({"cost_usd": 0.001} if n % 2 else {})) for n in range(20_000)]
    records: list[dict[str, Any]] = []
    for each in everything:
        add_usage(records, [each])
    assert len(records) < 2 * KEPT
    assert records[-KEPT:] == everything[-KEPT:]
    for name in COUNTS:
        assert sum(each[name] for each in records) == sum(each[name] for each in everything), name
    assert round(sum(each.get("cost_usd", 0) for each in records), 6) == 10.0


def test_a_sum_is_per_agent_model_and_status_and_says_no_price_where_there_is_none() -> None:
    records: list[dict[str, Any]] = []
    add_usage(records, [request(n, **({"cost_usd": 0.001} if n % 2 else {})) for n in range(2 * KEPT)])
    sums = records[:-KEPT]
    assert {(each["agent"], each["status"], "cost_usd" in each) for each in sums} == {
        (f"agent {n % 3}", "error" if n % 10 == 0 else "success", bool(n % 2)) for n in range(KEPT)
    }
    assert not any("started" in each for each in sums)


def test_a_short_run_keeps_all() -> None:
    records: list[dict[str, Any]] = []
    add_usage(records, [request(n) for n in range(KEPT)])
    assert records == [request(n) for n in range(KEPT)]


def test_what_a_server_says_in_place_of_a_number_counts_nothing() -> None:
    """An external service of agents may answer anything."""
    records: list[dict[str, Any]] = []
    odd = request(0) | {"input_tokens": "many", "output_tokens": None, "model": ["a"]}
    add_usage(records, [odd] * (2 * KEPT))
    assert (records[0]["input_tokens"], records[0]["output_tokens"], records[0]["requests"]) == (0, 0, KEPT)
