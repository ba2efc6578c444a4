"""What looks like a secret is not printed: in messages, excerpts and reports it becomes dots."""

import re
from collections.abc import Iterator
from typing import Final

MASK: Final = "••••••"
LONGEST: Final = 20_000
"""Characters of a text that are looked at: secrets stand at the beginning, and what is larger is data."""
SHORTEST: Final = 16

# How tokens of well-known services begin.
_PREFIXES: Final = (
    "sk-", "pk_live_", "sk_live_", "rk_live_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xoxa-",
    "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-", "AKIA", "ASIA", "AIza", "ya29.", "SG.", "hf_", "shpat_",
    "dckr_pat_", "npm_", "gsk_", "r8_", "key-", "secret_", "ntn_", "lin_api_", "apify_api_", "pplx-", "tvly-", "fc-",
    "r_live_", "pat",
)  # fmt: skip
_TOKEN: Final = re.compile(r"[A-Za-z0-9_\-.]{16,}+")
_HEX: Final = re.compile(r"[0-9a-f]{40,}")
_JWT: Final = re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}")
_AIRTABLE: Final = re.compile(r"pat[A-Za-z0-9]{14}\.[0-9a-f]{16,}")
_SCHEME: Final = re.compile(r"(?<=Bearer )[A-Za-z0-9_\-.=+/]{16,}|(?<=Basic )[A-Za-z0-9=+/]{16,}")
_USERINFO: Final = re.compile(r"""(?<=://)[^\s/:@{}"']{1,100}:[^\s/@{}"']{1,200}(?=@)""")
_PEM: Final = re.compile(
    r"-----BEGIN[A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END[A-Z ]{0,20}PRIVATE KEY-----|$)", re.DOTALL
)
_TELEGRAM: Final = re.compile(r"\b\d{8,10}:AA[A-Za-z0-9_-]{30,}")
_NAMED: Final = re.compile(
    r"""(?i)((?:api[-_ ]?key|access[-_ ]?token|auth[-_ ]?token|client[-_ ]?secret|password|passwd|secret)["']?\s*[:=]\s*["']?)"""
    r"""([^\s"'{}$=<>,;&]{8,})"""
)


def looks_secret(text: str) -> bool:
    """Whether a text holds something of the shape of a secret. Bare hexadecimal is masked when shown, but is more often
    an id than a secret.
    """
    if len(text) < SHORTEST:
        return False
    return any(not _HEX.fullmatch(text, *span) for span in _spans(text[:LONGEST]))


def redact(text: str) -> str:
    """The text with every part that looks like a secret masked; a very long one is cut."""
    if len(text) < SHORTEST:
        return text
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    for start, end in sorted(_spans(shown), reverse=True):
        shown = shown[:start] + MASK + shown[end:]
    return _NAMED.sub(rf"\g<1>{MASK}", shown)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the secrets stand. A literal is looked for before a pattern, since most texts have none of them."""
    for token in _TOKEN.finditer(text):
        if _is_token(token.group()):
            yield token.span()
    for sign, pattern in (
        ("Bearer ", _SCHEME),
        ("Basic ", _SCHEME),
        ("://", _USERINFO),
        ("-----BEGIN", _PEM),
        (":AA", _TELEGRAM),
    ):
        if sign in text:
            yield from (found.span() for found in pattern.finditer(text))


def _is_token(token: str) -> bool:
    if token.startswith("pat"):
        return _AIRTABLE.fullmatch(token) is not None
    if token.startswith(_PREFIXES):
        return any(char.isdigit() for char in token)
    return _HEX.fullmatch(token) is not None or (token.startswith("eyJ") and _JWT.fullmatch(token) is not None)
