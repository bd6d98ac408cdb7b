"""Signs what is kept where others may write too, so that only what we put there is believed."""

import hmac

SIGNATURE_BYTES = 32


class BadSignature(ValueError):  # noqa: N818 - what is wrong, in the log's words
    """We did not put this value in this place."""


class Signer:
    """Signs values by HMAC-SHA256 together with the name of their place."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, name: str, value: bytes) -> bytes:
        """The value behind its signature."""
        return self._signature(name, value) + value

    def verify(self, name: str, data: bytes) -> bytes:
        """The value that was sealed for this place.

        Raises:
            BadSignature: It was not, or not with our key.
        """
        signature, value = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(name, value)):
            raise BadSignature
        return value

    def _signature(self, name: str, value: bytes) -> bytes:
        # No name holds a NUL, so no other name and value give the same bytes.
        return hmac.digest(self._key, name.encode() + b"\0" + value, "sha256")
