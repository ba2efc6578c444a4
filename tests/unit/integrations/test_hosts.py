"""Where vendors' nodes send their credential: every fixed address of a descriptor is one of the credential's hosts."""

import pytest

from runtime.http.credential_hosts import CredentialHostError, binding
from runtime.integrations.descriptor import Descriptor
from runtime.integrations.loader import descriptors, folders


def _fixed(descriptor: Descriptor) -> list[str]:
    """The base of a descriptor when nothing in its host depends on the credential."""
    base = descriptor.base
    return [base] if isinstance(base, str) and base.startswith("https://") and "{" not in base.split("/")[2] else []


BASES = [
    (type_.type, base.split("{", maxsplit=1)[0])
    for folder in folders()
    for each in descriptors(folder)
    for type_ in each.credentials
    for base in _fixed(each)
]


@pytest.mark.parametrize(("type_", "base"), BASES)
def test_the_host_of_a_vendor_is_one_of_its_credential(type_: str, base: str) -> None:
    binding("acme", type_, "mine", {}).check(base)


@pytest.mark.parametrize(
    ("type_", "url"),
    [
        ("linkedInOAuth2Api", "https://www.linkedin.com/dms-uploads/1"),
        ("slackOAuth2Api", "https://files.slack.com/upload/v1/1"),
        ("slackApi", "https://acme.slack.com/api/upload"),
        ("discordWebhookApi", "https://discordapp.com/api/webhooks/1"),
        ("discordWebhookApi", "https://canary.discord.com/api/webhooks/1"),
    ],
)
def test_addresses_that_vendors_name_in_answers_are_theirs(type_: str, url: str) -> None:
    binding("acme", type_, "mine", {}).check(url)


@pytest.mark.parametrize("url", ["https://slack.com.evil.example/", "https://evil.example/slack.com"])
def test_no_other_host_is(url: str) -> None:
    with pytest.raises(CredentialHostError):
        binding("acme", "slackApi", "mine", {}).check(url)
