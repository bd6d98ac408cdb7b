"""Signs values stored where others can write, so that only this service's values are accepted."""

import hmac

SIGNATURE_BYTES = 32


class BadSignature(ValueError):  # noqa: N818 - the name appears in the log
    """The value was not signed with this key for this name."""


class Signer:
    """Signs values together with the name they are stored under, by HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, name: str, value: bytes) -> bytes:
        """Return the signature followed by the value."""
        return self._signature(name, value) + value

    def verify(self, name: str, data: bytes) -> bytes:
        """Return the value of signed data.

        Raises:
            BadSignature: The data was not signed with this key for this name.
        """
        signature, value = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(name, value)):
            raise BadSignature
        return value

    def _signature(self, name: str, value: bytes) -> bytes:
        # Names contain no NUL, so that no other pair of name and value gives the same bytes.
        return hmac.digest(self._key, name.encode() + b"\0" + value, "sha256")
