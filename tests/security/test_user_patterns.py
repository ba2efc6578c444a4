"""Patterns of authors and callers: RE2 in this process, JavaScript in one that is killed, and the same answer either way."""

import time
from collections.abc import Iterator, Sequence

import pytest

from runtime.expressions import matcher
from runtime.expressions.v8 import evaluator_of
from runtime.values.patterns import BadPatternError, ScriptNeeded, compile_pattern, from_text, matching
from tests.security.growth import super_linear

EXPLOSIVE = [
    r"(a+)+$",
    r"(a|a)*$",
    r"(a|aa)+$",
    r"(.*a){20}$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(\w+\s?)*$",
    "(x+x+)+y",
]
BEYOND_RE2 = [
    ("/(?=a)a/", "xa", True),
    ("/(?<!b)a/", "ba", False),
    (r"/(.)\1/", "hello", True),
    (r"/(a)(?!b)/g", "ab", False),
]


@pytest.fixture
def javascript() -> Iterator[None]:
    with matching(matcher(evaluator_of("acme"), 5, final=True, monotonic=time.monotonic)):
        yield


@pytest.mark.parametrize("source", EXPLOSIVE)
def test_a_pattern_in_this_process_takes_linear_time(source: str) -> None:
    pattern = compile_pattern(source)
    assert super_linear(pattern.test, lambda n: "a" * n + "!") is None
    assert super_linear(lambda text: pattern.replace(text, "$1"), lambda n: "a" * n + "!") is None


@pytest.mark.parametrize(
    "pump", ["}", "(", "[a]", "{1", "(?<a>", r"\k<", r"\p{Lx}", "a{2}", r"\u{61}", "[^\\", "/", "/g"]
)
def test_reading_a_pattern_takes_linear_time(pump: str) -> None:
    assert super_linear(from_text, lambda n: pump * (n // len(pump))) is None


@pytest.mark.parametrize(("pattern", "text", "found"), BEYOND_RE2)
def test_what_re2_does_not_know_never_runs_in_workflow_code(pattern: str, text: str, found: bool) -> None:
    del found
    with pytest.raises(ScriptNeeded):
        from_text(pattern).test(text)


def test_nor_does_a_text_with_half_of_a_surrogate_pair() -> None:
    with pytest.raises(ScriptNeeded):
        from_text("a+").test("\ud800a")


@pytest.mark.usefixtures("javascript")
@pytest.mark.parametrize(("pattern", "text", "found"), BEYOND_RE2)
def test_javascript_says_what_it_matches(pattern: str, text: str, found: bool) -> None:
    assert from_text(pattern).test(text) is found


@pytest.mark.usefixtures("javascript")
def test_javascript_replaces() -> None:
    assert compile_pattern("(a)(?!b)", "g").replace("aab ac", "[$1]") == "[a]ab [a]c"
    assert compile_pattern("a", "g").replace("\ud800a", "$&$&") == "\ud800aa"


@pytest.mark.usefixtures("javascript")
@pytest.mark.parametrize("source", ["[b-a]", "(", "*a", "a{2}{3}", "(?<=a", "[", "a**", r"\k<a", "(?P<a>x)", "a{2,1}"])
def test_what_is_no_pattern_is_refused(source: str) -> None:
    with pytest.raises(BadPatternError, match="Invalid"):
        from_text(source).test("x")


def test_a_pattern_that_never_ends_is_an_error_of_its_step() -> None:
    with (
        matching(matcher(evaluator_of("acme"), 1, final=True, monotonic=time.monotonic)),
        pytest.raises(BadPatternError, match="takes too long"),
    ):
        from_text("(?=(a|a)*$)(a|a)*$").test("a" * 60 + "b")


def test_all_texts_of_a_step_share_one_limit() -> None:
    """The clock says that each text takes 0.4 seconds of the one that the step has."""
    given: list[float] = []
    evaluator = evaluator_of("acme")
    clock = iter(number * 0.4 for number in range(100))

    def evaluate(sources: Sequence[str], request: str, seconds: float, *, apart: bool, final: bool) -> str:
        given.append(seconds)
        return evaluator(sources, request, 30, apart=apart, final=final)

    with matching(matcher(evaluate, 1, final=True, monotonic=lambda: next(clock))):
        for _ in range(4):
            assert from_text("a(?!b)").test("ac")
    assert given == pytest.approx([1, 0.6, 0.2, 0.05])
