"""The processes of `make test` take long files first."""

from dataclasses import dataclass

from tests.order import LONG, in_order


@dataclass(frozen=True)
class Collected:
    """A test as pytest collects it."""

    nodeid: str
    marker: str = ""

    def get_closest_marker(self, name: str) -> object | None:
        return self if name == self.marker else None


def test_a_long_file_comes_before_one_with_many_tests() -> None:
    short = [Collected(f"a.py::test_{n}") for n in range(3)]
    assert in_order([*short, Collected("z.py::test_1", LONG)])[0].nodeid == "z.py::test_1"


def test_a_long_test_brings_its_whole_file_to_the_front() -> None:
    items = [Collected("a.py::test_1"), Collected("z.py::test_1"), Collected("z.py::test_2", LONG)]
    assert [each.nodeid for each in in_order(items)] == ["z.py::test_1", "z.py::test_2", "a.py::test_1"]


def test_of_short_files_the_one_with_more_tests_comes_first() -> None:
    items = [Collected("a.py::test_1"), Collected("b.py::test_1"), Collected("b.py::test_2")]
    assert [each.nodeid for each in in_order(items)] == ["b.py::test_1", "b.py::test_2", "a.py::test_1"]


def test_tests_of_a_file_keep_their_order_and_stay_together() -> None:
    items = [Collected("a.py::test_2"), Collected("b.py::test_1"), Collected("a.py::test_1")]
    assert [each.nodeid for each in in_order(items)] == ["a.py::test_2", "a.py::test_1", "b.py::test_1"]
