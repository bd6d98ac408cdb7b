"""Which client a caller is, where rates, places and turns are shared out.

An API key is one client, from whichever addresses it calls. Without a key it is the address: one of
IPv4, or a network of 64 bits of IPv6. Upload tokens do not multiply clients: many of them from one
address are one client, and one of them from many addresses is the client of its first address.
"""

MAX_TOKENS = 50_000
"""So many are remembered, the newest ones; a token is good for minutes."""


class TokenClients:
    """Remembers from where upload tokens came first."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}

    def client_of(self, token_id: str, caller: str) -> str:
        """Return the client that a good token counts as, which a caller shows now."""
        first = self._first.setdefault(token_id, caller)
        if len(self._first) > MAX_TOKENS:
            del self._first[next(iter(self._first))]
        return first
