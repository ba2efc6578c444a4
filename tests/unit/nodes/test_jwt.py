"""JWT with key pairs: what the private key signed, the public key verifies, and no other."""

from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from runtime.contract import NodeError
from runtime.nodes.jwt import Jwt


def _pair(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> dict[str, str]:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"keyType": "pemKey", "privateKey": private.decode(), "publicKey": public.decode()}


RSA = _pair(rsa.generate_private_key(65537, 2048))
OTHER = _pair(rsa.generate_private_key(65537, 2048))
EC = _pair(ec.generate_private_key(ec.SECP256R1()))


def _node(**parameters: Any) -> Jwt:
    return Jwt.bind({"operation": "sign", "claims": {"subject": "x"}, **parameters}, 1)


@pytest.mark.parametrize(("pair", "algorithm"), [(RSA, "RS256"), (RSA, "PS512"), (EC, "ES256")])
def test_a_signature_holds_for_its_own_key_pair(pair: Mapping[str, str], algorithm: str) -> None:
    token = _node().sign(pair, algorithm, 1000.0, 0)
    _node().verify(token, pair, algorithm, 1000.0)
    with pytest.raises(NodeError, match="invalid algorithm"):
        _node().verify(token, pair, "HS256", 1000.0)


def test_a_signature_of_another_key_and_a_key_that_is_none() -> None:
    token = _node().sign(RSA, "RS256", 1000.0, 0)
    with pytest.raises(NodeError, match="can't be verified"):
        _node().verify(token, OTHER, "RS256", 1000.0)
    with pytest.raises(NodeError, match="does not hold a key that RS256 can use"):
        _node().sign({"keyType": "pemKey", "privateKey": "nonsense"}, "RS256", 1000.0, 0)
    with pytest.raises(NodeError, match="does not hold a key"):
        _node().sign({"keyType": "pemKey", "privateKey": EC["privateKey"]}, "RS256", 1000.0, 0)
