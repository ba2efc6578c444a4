"""TOTP: the one-time password of this moment (RFC 6238)."""

import base64
import binascii
import hmac
import math
from typing import Any, Final, Literal

from runtime.contract import (
    Activity,
    ActivityContext,
    Dynamic,
    Item,
    Items,
    NodeError,
    Outputs,
    each_item_async,
    param,
)
from schemas.facts import CredentialUse

_ALGORITHMS: Final = {
    "SHA1": "sha1", "SHA224": "sha224", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512",
    "SHA3-224": "sha3_224", "SHA3-256": "sha3_256", "SHA3-384": "sha3_384", "SHA3-512": "sha3_512",
}  # fmt: skip

_MAX_DIGITS = 10
"""The number has no more."""
_MAX_LENGTH = 1_000
"""Of a token: zeros without end would take all memory."""


class Totp(Activity):
    """`{token, secondsRemaining}` per item."""

    type = "n8n-nodes-base.totp"
    versions = (1,)
    usable_as_tool = True
    local = True
    credential_uses = (CredentialUse("totpApi"),)

    operation: Literal["generateSecret"] = param("generateSecret")
    options: Dynamic[dict[str, Any]] = param({}, show={"operation": ["generateSecret"]})

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return the passwords at the instant of the step."""

        async def one(i: int, item: Item) -> Item:
            del item
            options = context.resolve(self, i).options
            secret = str((await context.credentials.get("totpApi", i)).get("secret") or "")
            period, digits = float(options.get("period") or 30), int(options.get("digits") or 6)
            now = context.now / 1000
            token = _token(secret, math.floor(now / period), str(options.get("algorithm") or "SHA1"), digits)
            return {"json": {"token": token, "secondsRemaining": math.floor(period - now % period)}}

        return await each_item_async(context, items, one)


def _token(secret: str, counter: int, algorithm: str, digits: int) -> str:
    if algorithm not in _ALGORITHMS:
        raise NodeError(f"TOTP knows no algorithm {algorithm}")
    text = secret.replace(" ", "").upper().rstrip("=")
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error as error:
        raise NodeError("The secret of the TOTP credential is not base32") from error
    digest = hmac.new(key, counter.to_bytes(8, "big"), _ALGORITHMS[algorithm]).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10 ** min(digits, _MAX_DIGITS)).zfill(min(digits, _MAX_LENGTH))
