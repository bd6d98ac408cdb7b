"""Maps callers to the clients that rates, permits and turns are counted for.

An API key is one client, from whichever addresses it calls. Without a key the client is the
address: an IPv4 address, or an IPv6 network of 64 bits. Upload tokens do not multiply clients. Many
tokens from one address are one client. One token from many addresses is the client of its first
address.
"""

MAX_TOKENS = 50_000
"""The most tokens that are stored; the oldest is dropped first. A token is valid for minutes."""


class TokenClients:
    """Stores the address that each upload token was first used from."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def client_of(self, token_id: str, caller: str) -> str:
        """Return the client that a valid token counts as: the caller that used it first."""
        first = self._first.setdefault(token_id, caller)
        if len(self._first) > MAX_TOKENS:
            del self._first[next(iter(self._first))]
        return first
