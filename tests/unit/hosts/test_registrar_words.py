"""Errors of registrations: vendor, operation, status, what was said, and what to do."""

import pytest

from runtime.hosts.temporal.registrar import MAX_SAID, registration_error

AGAIN = "It is tried again by itself, later each time."


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            {"message": "Authorization failed", "description": "Bad token.", "httpCode": "401"},
            (
                "Stripe: could not register the webhook (HTTP 401): Authorization failed: Bad token. Check the credential, or"
                f" connect the account again. {AGAIN}"
            ),
        ),
        (
            {"message": "Too many requests", "httpCode": 429},
            (
                "Stripe: could not register the webhook (HTTP 429): Too many requests. The vendor takes no more requests for"
                f" now. {AGAIN}"
            ),
        ),
        (
            {"message": "no answer", "httpCode": "ECONNREFUSED"},
            f"Stripe: could not register the webhook: no answer. {AGAIN}",
        ),
    ],
)
def test_an_error_says_who_what_and_what_to_do(error: dict[str, object], words: str) -> None:
    """The code of a connection is no status."""
    assert registration_error("Stripe", "activate", error) == words


def test_a_page_of_html_does_not_push_out_what_to_do() -> None:
    """What the vendor said is cut, not the advice."""
    words = registration_error("Stripe", "deactivate", {"message": "<html>" + "x" * 10_000, "httpCode": "403"})
    assert words.startswith("Stripe: could not remove the webhook (HTTP 403): <html>")
    assert words.endswith(f"Check what the credential may do at the vendor. {AGAIN}")
    assert len(words) < MAX_SAID + 200
