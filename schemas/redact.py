"""What looks like a secret is not printed: in messages, excerpts and reports it becomes dots."""

import re
from typing import Final

MASK: Final = "••••••"
LONGEST: Final = 20_000
"""Characters of a text that are looked at: secrets stand at the beginning, and what is larger is data."""

# Prefixes of well-known token families, and shapes that only credentials have.
_SECRETS: Final = re.compile(
    r"""
    (?: sk-(?:ant-|proj-|or-v1-)? | pk_live_ | sk_live_ | rk_live_ | gh[pousr]_ | github_pat_ | glpat- | xox[abeoprs]- | xapp-
      | AKIA | ASIA | AIza | ya29\. | EAA[A-Z] | SG\. | pat[A-Za-z0-9]{14}\. | hf_ | shpat_ | dckr_pat_ | npm_ | gsk_ | r8_
      | key- | secret_ | ntn_ | lin_api_ | apify_api_ | pplx- | tvly- | fc- | r_live_ )
      (?P<rest>[A-Za-z0-9_\-.]{12,})
    | (?P<jwt> eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,} )
    | (?P<bearer> (?<=Bearer\ ) [A-Za-z0-9_\-.=+/]{16,} )
    | (?P<basic> (?<=Basic\ ) [A-Za-z0-9=+/]{16,} )
    | (?P<userinfo> (?<=://) [^\s/:@{}"']+ : [^\s/@{}"']+ (?=@) )
    | (?P<pem> -----BEGIN[A-Z ]*PRIVATE\ KEY-----[\s\S]*?(?:-----END[A-Z ]*PRIVATE\ KEY-----|$) )
    | (?P<telegram> \b\d{8,10}:AA[A-Za-z0-9_-]{30,} )
    | (?P<hex> \b[0-9a-f]{40,}\b )
    """,
    re.VERBOSE,
)
_NAMED: Final = re.compile(
    r"""(?i)((?:api[-_ ]?key|access[-_ ]?token|auth[-_ ]?token|client[-_ ]?secret|password|passwd|secret)["']?\s*[:=]\s*["']?)"""
    r"""([^\s"'{}$=<>,;&]{8,})"""
)


def looks_secret(text: str) -> bool:
    """Whether a text holds something of the shape of a secret."""
    return _SECRETS.search(text, 0, LONGEST) is not None


def redact(text: str) -> str:
    """The text with every part that looks like a secret masked."""
    if len(text) > LONGEST:
        text = text[:LONGEST] + "…"
    return _NAMED.sub(rf"\g<1>{MASK}", _SECRETS.sub(MASK, text))
