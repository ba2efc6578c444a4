"""Crypto: hashes, HMACs, signatures, random values, and encryption with a passphrase or a key pair."""

import base64
import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Callable
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
    error_item,
    param,
    result_name,
    with_result,
)
from runtime.values.binary import NoBinaryError, binary_of
from runtime.values.javascript import DateTimeText, describe_received, js_string
from schemas.facts import CredentialUse

_NO_WORD: Final = re.compile(r"\W")
_AFFIXES: Final = re.compile(r"^RSA-|WithRSAEncryption$|^id-rsassa-pkcs1-v1_5-with-|-2$|^ssl3-")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]")
_HASHES: Final = {
    "MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512",
    "SHA3-256": "sha3_256", "SHA3-384": "sha3_384", "SHA3-512": "sha3_512",
}  # fmt: skip
_DIGESTS = ["hash", "hmac"]
_CIPHERS = ["encrypt", "decrypt"]
_ACTIONS = [*_DIGESTS, *_CIPHERS, "sign", "generate"]
_BYTES = "string or an instance of Buffer, TypedArray, or DataView"
_KEYS = "string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, KeyObject, or CryptoKey"
_WRONG_KEY = "Decryption failed: wrong passphrase, key, cipher, or corrupted payload"
_SALT, _NONCE, _TAG = 16, 12, 16


class _Crypto(Activity):
    """The parameters and operations of both versions."""

    one_item_each = True

    local = True

    action: Dynamic[str] = param("hash")
    binary_data: Dynamic[bool] = param(False, show={"action": _DIGESTS})
    binary_property_name: Dynamic[str] = param("data", show={"action": _DIGESTS, "binaryData": [True]}, required=True)
    value: Dynamic[Any] = param("", show={"action": _DIGESTS, "binaryData": [False]}, required=True)
    data_property_name: Dynamic[str] = param("data", required=True, label="Property Name")
    encoding: Dynamic[Literal["hex", "base64"]] = param("hex", show={"action": [*_DIGESTS, "sign"]})
    text: Dynamic[Any] = param("", alias="value", show={"action": ["sign"]}, required=True)
    algorithm: Dynamic[str] = param("", show={"action": ["sign"]}, required=True, label="Algorithm Name or ID")
    encoding_type: Dynamic[str] = param("uuid", show={"action": ["generate"]})
    string_length: Dynamic[float] = param(32, show={"action": ["generate"], "encodingType": ["ascii", "base64", "hex"]})

    hash_type: Dynamic[str]

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """Return each item with the result under `dataPropertyName`."""

        async def one(i: int, item: Item) -> Item:
            node = context.resolve(self, i)
            if node.action not in _ACTIONS:  # n8n then shows no field for the result
                raise NodeError('Could not get parameter "dataPropertyName"', item=i)
            raw = node.given("data_property_name")  # which n8n reads first, and looks into last
            result = await node.result(context, item, i)
            made: Item = {"json": with_result(item["json"], result_name(raw, i), result)}
            return {**made, "binary": item["binary"]} if "binary" in item and not node.binary_data else made

        return await each_item_async(context, items, one, self.error_item)

    def error_item(self, error: NodeError, i: int) -> Item:
        """Return what takes the place of an item that fails."""
        return error_item(error, i)

    async def result(self, context: ActivityContext, item: Item, i: int) -> Any:
        """Return the value that goes into the item. Raise NodeError."""
        if self.action == "generate":
            return _random(self.encoding_type, int(self.string_length))
        if self.action == "sign":
            _algorithm(self.given("algorithm"), "algorithm")
            data = _as_bytes(self.given("text"), _BYTES, "chunk")
            return self._encoded(_sign(await self.signing_key(context, i), self.algorithm, data))
        hash_type, _ = self.given("hash_type"), self.encoding  # n8n reads both before the value
        if self.action == "hmac":
            name = _algorithm(hash_type, "hmac")
            secret = _as_bytes(await self.hmac_secret(context, i), _KEYS, "key")
            hashed = _known(lambda: hmac.new(secret, b"", name), f"Invalid digest: {hash_type}")
        else:
            name = _algorithm(hash_type, "algorithm")
            hashed = _known(lambda: hashlib.new(name, usedforsecurity=False), "Digest method not supported")
        hashed.update(await self._data(context, item, i))
        return self._encoded(hashed.digest())

    async def hmac_secret(self, context: ActivityContext, i: int) -> Any:
        """Return the key of an HMAC."""
        raise NotImplementedError

    async def signing_key(self, context: ActivityContext, i: int) -> str:
        """Return the private key of a signature, PEM."""
        raise NotImplementedError

    async def _data(self, context: ActivityContext, item: Item, i: int) -> bytes:
        if not self.binary_data:
            return _as_bytes(self.given("value"), _BYTES, "data")
        try:
            return await context.blobs.read(binary_of(item, self.binary_property_name, i))
        except NoBinaryError as error:
            raise NoFileError(error.message, description=error.description, item=i) from error

    def _encoded(self, data: bytes) -> Any:
        """Return the bytes as text; under an encoding that there is not, as the JSON of a buffer."""
        encoding = str(self.encoding)
        if encoding == "hex":
            return data.hex()
        return base64.b64encode(data).decode() if encoding == "base64" else {"type": "Buffer", "data": list(data)}


class NoFileError(NodeError):
    """n8n's error for an item without the file."""


class InvalidArgumentError(NodeError):
    """Node's error for a value of the wrong type."""


class CryptoV1(_Crypto):
    """Crypto, version 1: secrets are parameters."""

    type = "n8n-nodes-base.crypto"
    versions = (1,)
    exact_values = True
    usable_as_tool = True

    hash_type: Dynamic[str] = param("MD5", alias="type", show={"action": _DIGESTS})
    secret: Dynamic[Any] = param("", show={"action": ["hmac"]}, required=True, secret=True)
    private_key: Dynamic[str] = param("", show={"action": ["sign"]}, required=True, secret=True)

    async def hmac_secret(self, context: ActivityContext, i: int) -> Any:
        """Return the secret of the parameter."""
        del context, i
        return self.given("secret")

    async def signing_key(self, context: ActivityContext, i: int) -> str:
        """Return the private key of the parameter."""
        del context
        if not self.private_key:
            raise NodeError("No key provided to sign", item=i)
        return self.private_key


class CryptoV2(_Crypto):
    """Crypto, version 2: secrets come from a credential."""

    type = "n8n-nodes-base.crypto"
    versions = (2,)
    exact_values = True
    usable_as_tool = True
    credential_uses = (CredentialUse("crypto", {"action": ["hmac", "sign", *_CIPHERS]}),)

    hash_type: Dynamic[str] = param("SHA256", alias="type", show={"action": _DIGESTS})
    mode: Dynamic[Literal["symmetric", "asymmetric"]] = param("symmetric", show={"action": _CIPHERS})
    cipher: Dynamic[str] = param("aes-256-gcm", show={"action": _CIPHERS, "mode": ["symmetric"]})
    message: Dynamic[Any] = param("", alias="value", show={"action": _CIPHERS}, required=True)

    async def run(self, context: ActivityContext, items: Items) -> Outputs:
        """See base class. A credential that is missing ends the node; an error of an item is an object."""
        if self.action in ("hmac", "sign", *_CIPHERS):
            await context.credentials.get("crypto", 0)
        return await super().run(context, items)

    def error_item(self, error: NodeError, i: int) -> Item:
        """See base class."""
        thrown = error.message.endswith(" is not a function") or error.message.startswith("Cannot read properties of ")
        shown = {"message": error.message, "name": "TypeError" if thrown else "Error"}
        if isinstance(error, InvalidArgumentError):
            shown |= {"name": "TypeError", "code": "ERR_INVALID_ARG_TYPE"}
        if isinstance(error, NoFileError):
            shown["name"] = "NodeOperationError"
        return {"json": {"error": shown}, "pairedItem": {"item": i}}

    async def result(self, context: ActivityContext, item: Item, i: int) -> Any:
        """Return the value that goes into the item. Raise NodeError."""
        if self.action not in _CIPHERS:
            return await super().result(context, item, i)
        credential = await context.credentials.get("crypto", i)
        text = js_string(self.message)
        if self.mode == "asymmetric":
            return _asymmetric(self.action, credential, text)
        passphrase = _present(credential, "encryptionPassphrase", "encryption passphrase", "Encryption Passphrase")
        work = _encrypt if self.action == "encrypt" else _decrypt
        return work(text, passphrase, self.cipher)

    async def hmac_secret(self, context: ActivityContext, i: int) -> Any:
        """Return the secret of the credential."""
        return _present(await context.credentials.get("crypto", i), "hmacSecret", "HMAC secret", "HMAC Secret")

    async def signing_key(self, context: ActivityContext, i: int) -> str:
        """Return the private key of the credential."""
        return _present(await context.credentials.get("crypto", i), "signPrivateKey", "private key", "Private Key")


def _algorithm(value: Any, argument: str) -> str:
    """Return the name of a hash algorithm. Raise NodeError with node's text for what is no text."""
    if not isinstance(value, str):
        received = describe_received(value)
        raise InvalidArgumentError(f'The "{argument}" argument must be of type string. Received {received}')
    return _HASHES.get(value, value)


def _known(hashed: Callable[[], Any], unknown: str) -> Any:
    """Return a new hash. Raise NodeError(`unknown`) for an algorithm that does not exist (an expression can name any)."""
    try:
        return hashed()
    except ValueError as error:
        raise NodeError(unknown) from error


def _present(credential: Any, field: str, what: str, label: str) -> str:
    value = credential.get(field)
    if not value:
        raise NodeError(f"No {what} set in credentials. Please add an {label} to your Crypto credentials.")
    return str(value)


def _as_bytes(value: Any, accepted: str, argument: str) -> bytes:
    """Return text as UTF-8. Raise NodeError with node's text for anything else."""
    if isinstance(value, str) and not isinstance(value, DateTimeText):
        return value.encode("utf-8", "replace")
    raise InvalidArgumentError(
        f'The "{argument}" argument must be of type {accepted}. Received {describe_received(value)}'
    )


def _random(kind: str, length: int) -> str:
    if kind == "uuid":
        return str(uuid.uuid4())
    data = secrets.token_bytes(max(length, 0))
    if kind == "hex":
        return data.hex()[:length]
    if kind == "ascii":
        return "".join(chr(byte & 0x7F) for byte in data)
    return _NO_WORD.sub("", base64.b64encode(data + secrets.token_bytes(length)).decode())[:length]


def _sign(pem: str, algorithm: str, data: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - heavy, and only signatures need it
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NodeError("error:1E08010C:DECODER routines::unsupported") from error
    name = _AFFIXES.sub("", algorithm).upper()
    known: dict[str, Callable[[], hashes.HashAlgorithm]] = {
        "MD5": hashes.MD5, "SHA1": hashes.SHA1, "SHA224": hashes.SHA224, "SHA256": hashes.SHA256,
        "SHA384": hashes.SHA384, "SHA512": hashes.SHA512, "SHA512/224": hashes.SHA512_224,
        "SHA512-224": hashes.SHA512_224, "SHA512/256": hashes.SHA512_256, "SHA512-256": hashes.SHA512_256,
        "SHA3-224": hashes.SHA3_224, "SHA3-256": hashes.SHA3_256, "SHA3-384": hashes.SHA3_384,
        "SHA3-512": hashes.SHA3_512, "SM3": hashes.SM3,
    }  # fmt: skip
    if name not in known:
        raise NodeError(f"The signature algorithm {algorithm} is not supported")
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), known[name]())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(known[name]()))
    raise NodeError("Only RSA and elliptic-curve keys can sign")


def _cipher(name: str, key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305  # noqa: PLC0415 - heavy

    return ChaCha20Poly1305(key) if name.startswith("chacha20") else AESGCM(key)


def _key(passphrase: str, salt: bytes, cipher: str) -> bytes:
    length = {"aes-128-gcm": 16, "aes-192-gcm": 24}.get(cipher, 32)
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=2**16, r=8, p=1, dklen=length, maxmem=2**27)


def _encrypt(text: str, passphrase: str, cipher: str) -> str:
    """Return n8n's format in base64: a version byte, salt, nonce, tag, ciphertext."""
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    sealed = _cipher(cipher, _key(passphrase, salt, cipher)).encrypt(nonce, text.encode("utf-8", "replace"), None)
    return base64.b64encode(b"\x01" + salt + nonce + sealed[-_TAG:] + sealed[:-_TAG]).decode()


def _decrypt(text: str, passphrase: str, cipher: str) -> str:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - heavy

    data = _from_base64(text)
    head = 1 + _SALT + _NONCE
    if len(data) < head + _TAG or data[0] != 1:
        raise NodeError("Ciphertext is malformed or truncated")
    salt, nonce, tag = data[1 : 1 + _SALT], data[1 + _SALT : head], data[head : head + _TAG]
    try:
        opened = _cipher(cipher, _key(passphrase, salt, cipher)).decrypt(nonce, data[head + _TAG :] + tag, None)
    except InvalidTag as error:
        raise NodeError(_WRONG_KEY) from error
    return str(opened.decode("utf-8", "replace"))


def _asymmetric(action: str, credential: Any, text: str) -> str:
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - heavy
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    try:
        if action == "encrypt":
            public = serialization.load_pem_public_key(
                _present(credential, "encryptionPublicKey", "encryption public key", "Encryption Public Key").encode()
            )
            assert isinstance(public, rsa.RSAPublicKey)
            return base64.b64encode(public.encrypt(text.encode("utf-8", "replace"), scheme)).decode()
        private = serialization.load_pem_private_key(
            _present(credential, "encryptionPrivateKey", "encryption private key", "Encryption Private Key").encode(),
            None,
        )
        assert isinstance(private, rsa.RSAPrivateKey)
        return private.decrypt(_from_base64(text), scheme).decode("utf-8", "replace")
    except (ValueError, TypeError, AssertionError) as error:
        raise NodeError(_WRONG_KEY) from error


def _from_base64(text: str) -> bytes:
    """Decode base64 as Node does: characters that are not of it are skipped."""
    clean = _NOT_BASE64.sub("", text.replace("-", "+").replace("_", "/"))
    return base64.b64decode(clean[: len(clean) - (len(clean) % 4 == 1)] + "=" * (-len(clean) % 4))
