"""Words that look like keys: by the prefixes of vendors, else by length, kinds of characters and entropy."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final

from runtime.values.patterns import compile_pattern

__all__ = ["secrets_in"]

PREFIXES: Final = (
    "key-", "sk-", "sk_", "pk_", "pk-", "ghp_", "AKIA", "xox", "SG.", "hf_", "api-", "apikey-", "token-", "secret-", "SHA:",
)  # fmt: skip
_FILE: Final = compile_pattern(
    r"^[^\s]+\.(py|js|ts|jsx|tsx|html|css|json|md|txt|csv|xml|yaml|yml|ini|conf|config|log|sql|sh|bat|dll|so|dylib|jar|war|php|rb|"
    r"go|rs|cpp|c|h|java|swift|kt|pdf|doc|docx|xls|xlsx|ppt|pptx|zip|tar|gz|rar|7z|png|jpg|jpeg|gif|svg|ico|webp|mp3|mp4|wav|avi|mov)$",
    "i",
)
_ADDRESS: Final = compile_pattern(r"^https?://[a-zA-Z0-9.-]+/?[a-zA-Z0-9./_-]*$", "i")


@dataclass(frozen=True)
class Strictness:
    """A word is suspicious from so many characters, kinds of characters and bits on."""

    length: int
    entropy: float
    kinds: int
    spares_names: bool = True
    """Addresses and names of files are none."""


LEVELS: Final = {
    "strict": Strictness(10, 3.0, 2, spares_names=False),
    "balanced": Strictness(10, 3.8, 3),
    "permissive": Strictness(30, 4.0, 2),
}


def secrets_in(text: str, permissiveness: str) -> list[str]:
    """Return the words that look like keys, in their order."""
    level = LEVELS.get(permissiveness, LEVELS["balanced"])
    words = (word.replace("*", "").replace("#", "") for word in text.split())
    return [word for word in words if _suspicious(word, level)]


def _suspicious(word: str, level: Strictness) -> bool:
    if level.spares_names and (_ADDRESS.test(word) or _FILE.test(word)):
        return False
    if word.startswith(PREFIXES):
        return True
    return len(word) >= level.length and _kinds(word) >= level.kinds and _entropy(word) >= level.entropy


def _kinds(word: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())
    return sum(any(test(character) for character in word) for test in tests)


def _entropy(word: str) -> float:
    shares = [count / len(word) for count in Counter(word).values()]
    return -sum(share * math.log2(share) for share in shares)
