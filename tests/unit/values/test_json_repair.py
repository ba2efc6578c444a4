"""The repair of JSON, where its reader goes back in the text."""

from runtime.values.json_repair import repair


def test_a_line_end_before_one_that_is_known_is_found_when_the_reader_goes_back() -> None:
    """A comment ends at the first one after its start, not at the one that was looked for last."""
    assert repair("'/*/\n\"/'/*/\\\"'\\ b/*/*") == '[\n"",\n"/\'/*/\\"\' b/*/*"\n]'
