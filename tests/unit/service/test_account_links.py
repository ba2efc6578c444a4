"""Links and states of accounts: sealed, for a while, and each good for one thing."""

import pytest

from runtime.platform.keys import Keyring, new_master_key
from runtime.platform.settings import Settings
from service import account_links
from service.account_links import Account, AccountLinks, BadAccountLink, challenge_of, new_verifier, open_link

MASTER = new_master_key()
ACCOUNT = Account("acme", "gmailOAuth2", "Büro / 1 & co", actor="key-1")


def links(*keys: str) -> AccountLinks:
    """Those of a service with these master keys."""
    return AccountLinks(Keyring(keys or (MASTER,)), "https://api.example/")


def sealed(link: str) -> str:
    """What a link holds."""
    return link.partition("?link=")[2]


def test_a_link_and_a_state_say_what_they_are_for_and_nothing_to_others() -> None:
    verifier = new_verifier()
    link, state = links().link(ACCOUNT), links().state(ACCOUNT, verifier)
    assert link.startswith("https://api.example/oauth2/connect?link=")
    assert links().account_of(sealed(link)) == ACCOUNT
    assert links().account_of_state(state) == (ACCOUNT, challenge_of(verifier))
    assert "acme" not in link + state
    assert verifier not in state


def test_neither_is_the_other() -> None:
    with pytest.raises(BadAccountLink):
        links().account_of(links().state(ACCOUNT, new_verifier()))
    with pytest.raises(BadAccountLink):
        links().account_of_state(sealed(links().link(ACCOUNT)))


def test_a_changed_link_and_one_of_another_service_open_nothing() -> None:
    text = sealed(links().link(ACCOUNT))
    for place in range(0, len(text), 7):
        with pytest.raises(BadAccountLink):
            links().account_of(text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :])
    with pytest.raises(BadAccountLink):
        links(new_master_key()).account_of(text)
    assert links(new_master_key(), MASTER).account_of(text) == ACCOUNT  # a retired master key still opens


def test_both_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_links, "LINK_SECONDS", -1)
    monkeypatch.setattr(account_links, "STATE_SECONDS", -1)
    with pytest.raises(BadAccountLink, match="too old"):
        links().account_of(sealed(links().link(ACCOUNT)))
    with pytest.raises(BadAccountLink, match="too old"):
        links().account_of_state(links().state(ACCOUNT, new_verifier()))


def test_the_open_link_holds_the_names_and_nothing_more() -> None:
    settings = Settings.load({"TEMPOR8_PUBLIC_URL": "https://api.example"})
    assert open_link(settings, ACCOUNT) == (
        "https://api.example/oauth2/connect?tenant=acme&type=gmailOAuth2&name=B%C3%BCro+%2F+1+%26+co"
    )


def test_a_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
