"""Mask secrets in messages, excerpts, reports and logs.

This is the only list of the shapes of secrets. Some shapes are certain enough to warn an author (`looks_secret`); others are only
masked, since placeholders and prose have them, too.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["MASK", "is_secret_name", "looks_secret", "redact", "redact_json"]

MASK: Final = "••••••"
MAX_CHARACTERS: Final = 20_000
"""Characters of a text that are searched: secrets are near the beginning, and larger texts are data."""
MIN_SECRET_CHARACTERS: Final = 16
"""Shorter texts never count as secrets."""

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
_OUR_KEY: Final = re.compile(r"\bt8_[\w.\-]+_[0-9a-f]{48}\b")
_PEM: Final = re.compile(
    r"-----BEGIN[A-Z ]{0,20}PRIVATE KEY-----.*?(?:-----END[A-Z ]{0,20}PRIVATE KEY-----|$)", re.DOTALL
)
_TELEGRAM: Final = re.compile(r"\b\d{8,10}:AA[A-Za-z0-9_-]{30,}")
# Names of fields whose value is a secret, also in the middle of a text ("password: ...").
_WORDS: Final = (
    r"pass(?:word|wd|phrase)|secret|client[-_ ]?secret|api[-_ ]?key|access[-_ ]?token|auth[-_ ]?token|"
    r"private[-_ ]?key|master[-_ ]?key|access[-_ ]?key"
)
# Names that are a secret's as the name of a field, and ordinary words in a text ("Unexpected token: ...").
_FIELDS: Final = r"pass|token|authorization|cookie|credentials?|dsn|database[-_ ]?url"
_NAME: Final = re.compile(rf"(?i)(?:^|[_\-.])(?:{_WORDS}|{_FIELDS})(?:[_\-.]|$)")
_MASKED: Final = (
    re.compile(rf"""(?i)((?:{_WORDS})["']?\s*[:=]\s*["']?)[^\s"'{{}}$=<>,;&]{{8,}}"""),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)[\w\-.~+/=]{16,}"),
    # shorter ones only where they are no plain word: "Basic settings" is none
    re.compile(r"(\b(?i:bearer|basic)\s+)(?=[\w\-.~+/=]*(?:[\d.~+/=]|[a-z][A-Z]))[\w\-.~+/=]{8,}"),
    re.compile(r"(?i)(\b)(?:sk|pk|rk|ghp|xox[abp]|hvs|s)[-_.][\w\-]{20,}"),
    re.compile(r"((?<=://))(?!\S*\{\{)[^/\s:@]*:[^/\s@]+(?=@)"),
)
"""Shapes that are masked and not reported. Group 1 stays."""


def is_secret_name(name: str) -> bool:
    """Return whether the value of a field of this name is a secret. Only whole words count: `tokens` and
    `idempotency_key` name none.
    """
    return _NAME.search(name) is not None


def looks_secret(text: str) -> bool:
    """Return whether a text contains something shaped like a secret. Bare hexadecimal does not count: it is masked when
    shown, but is more often an id than a secret.
    """
    if len(text) < MIN_SECRET_CHARACTERS:
        return False
    return any(not _HEX.fullmatch(text, *span) for span in _spans(text[:MAX_CHARACTERS]))


def redact(text: str, *, hashes: bool = True) -> str:
    """Return the text with every part that looks like a secret masked; a very long one is cut. Without `hashes`, bare
    hexadecimal stays: our own ids and plan hashes are that, and logs need them.
    """
    cut = text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + "…"
    masked, end_of_last = "", 0
    for start, end in sorted(_spans(cut)):
        if hashes or not _HEX.fullmatch(cut, start, end):
            if start >= end_of_last:  # two shapes may overlap
                masked += cut[end_of_last:start] + MASK
            end_of_last = max(end_of_last, end)
    masked += cut[end_of_last:]
    for pattern in _MASKED:
        masked = pattern.sub(rf"\g<1>{MASK}", masked)
    return masked


def redact_json(value: Any, *, depth: int = 8) -> Any:
    """Return the JSON value with secrets masked, by name of the field and by shape of the text; what is nested deeper
    than `depth` is masked whole.
    """
    if isinstance(value, str):
        return redact(value, hashes=False)
    if depth == 0:
        return MASK if isinstance(value, dict | list | tuple) else value
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(key, str) and is_secret_name(key) else redact_json(inner, depth=depth - 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact_json(inner, depth=depth - 1) for inner in value]
    return value


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of secrets. A literal is searched before its pattern, since most texts contain neither."""
    for token in _TOKEN.finditer(text):
        if _is_token(token.group()):
            yield token.span()
    for sign, pattern in (
        ("Bearer ", _SCHEME),
        ("Basic ", _SCHEME),
        ("://", _USERINFO),
        ("-----BEGIN", _PEM),
        (":AA", _TELEGRAM),
        ("t8_", _OUR_KEY),
    ):
        if sign in text:
            yield from (match.span() for match in pattern.finditer(text))


def _is_token(token: str) -> bool:
    if token.startswith("pat"):
        return _AIRTABLE.fullmatch(token) is not None
    if token.startswith(_PREFIXES):
        return any(char.isdigit() for char in token)
    return _HEX.fullmatch(token) is not None or (token.startswith("eyJ") and _JWT.fullmatch(token) is not None)
