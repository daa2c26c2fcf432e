"""pure: whether a store signed what it sent (Ed25519, RFC 8032)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sync.hub.problems import BadSignature, StoreUnknown


def check_signature(public_key: bytes | None, signature: str, signed: bytes) -> None:
    """Raises BadSignature, and StoreUnknown for a store that has no key here."""
    if public_key is None:
        raise StoreUnknown
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(bytes.fromhex(signature), signed)
    except (InvalidSignature, ValueError) as error:
        raise BadSignature from error
