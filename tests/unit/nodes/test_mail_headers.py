"""Headers of mails that are sent: the parser of the standard library takes the square of their length."""

import pytest

from runtime.contract import NodeError
from runtime.nodes.email_send import MAX_HEADER, check_length


@pytest.mark.parametrize("header", ["To", "Bcc", "Subject"])
def test_a_header_has_a_length(header: str) -> None:
    check_length(header, "a@b.c, " * (MAX_HEADER // 7))
    with pytest.raises(NodeError, match=f"'{header}' has 8,001 characters, and may have 8,000"):
        check_length(header, '"' * (MAX_HEADER + 1))
