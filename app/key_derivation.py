"""Derives keys from one secret, so that a signature for one purpose is invalid for another."""

import hmac

from pydantic import SecretStr


def derive_key(secret: SecretStr, purpose: str) -> bytes:
    """Return the key for a purpose, 32 bytes, which reveals neither the secret nor other keys.

    It is the HMAC-SHA256 (RFC 2104) of the purpose.
    """
    return hmac.digest(secret.get_secret_value().encode(), purpose.encode(), "sha256")
