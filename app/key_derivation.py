"""One secret, many keys: what is signed for one purpose is worth nothing for another."""

import hmac

from pydantic import SecretStr


def derive_key(secret: SecretStr, purpose: str) -> bytes:
    """The key for a purpose, 32 bytes; from it nobody finds the secret or another purpose's key."""
    return hmac.digest(secret.get_secret_value().encode(), purpose.encode(), "sha256")
