"""What a request hears of a server that is away: 503, whichever way the server's client says so; 500 is a mistake of ours."""

import psycopg
import pytest
from temporalio.service import RPCError, RPCStatusCode

from api.problems import PROBLEM_OF, Problem
from runtime.platform.postgres import DatabaseUnavailable
from runtime.platform.temporal import TemporalUnavailable


def problem_of(error: Exception) -> Problem:
    """Return the problem that the nearest kind of the table makes."""
    kind = next(each for each in type(error).__mro__ if each in PROBLEM_OF)
    return PROBLEM_OF[kind](error)


@pytest.mark.parametrize(
    ("error", "component"),
    [
        pytest.param(RPCError("transport error", RPCStatusCode.UNKNOWN, b""), "temporal", id="broken connection"),
        pytest.param(RPCError("h2 protocol error", RPCStatusCode.INTERNAL, b""), "temporal", id="broken stream"),
        pytest.param(RPCError("Timeout expired", RPCStatusCode.CANCELLED, b""), "temporal", id="hangs"),
        pytest.param(RPCError("shard is elsewhere", RPCStatusCode.ABORTED, b""), "temporal", id="moves a shard"),
        pytest.param(RPCError("nobody listens", RPCStatusCode.UNAVAILABLE, b""), "temporal", id="is gone"),
        pytest.param(TemporalUnavailable("gone"), "temporal", id="no connection yet"),
        pytest.param(RuntimeError("Connection failed"), "temporal", id="lazy client"),
        pytest.param(DatabaseUnavailable("gone"), "postgres", id="no Postgres"),
        pytest.param(psycopg.errors.DeadlockDetected("deadlock"), "postgres", id="deadlock"),
        pytest.param(psycopg.errors.SerializationFailure("beside"), "postgres", id="serialization"),
        pytest.param(psycopg.errors.LockNotAvailable("lock"), "postgres", id="lock"),
        pytest.param(psycopg.OperationalError("the connection is lost"), "postgres", id="lost connection"),
    ],
)
def test_a_server_that_is_away_is_503(error: Exception, component: str) -> None:
    problem = problem_of(error)
    assert problem.status == 503
    assert problem.members["component"] == component


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), psycopg.errors.UndefinedTable("no table"), RuntimeError("dictionary changed size")],
    ids=repr,
)
def test_a_mistake_is_500_with_a_number(error: Exception) -> None:
    assert problem_of(error).status == 500
