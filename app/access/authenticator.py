"""Authenticates callers, authorises them, and applies rate limits."""

from dataclasses import dataclass, field
from enum import Enum, auto

from app.access.addresses import identify_caller
from app.access.clients import TokenClients
from app.access.credentials import Credentials
from app.access.keys import ApiKey
from app.access.limits import Limits
from app.access.tokens import GET_ANOTHER, IssuedToken, UploadToken
from app.cache.redis_stamps import RedisStamps
from app.errors import Kind, RequestError
from app.settings import Settings


class AccessLevel(Enum):
    """The credential that a route requires, if API keys are configured."""

    NOTHING = auto()
    TOKEN = auto()
    """An API key, or an upload token."""
    TOKEN_USE = auto()
    """An API key, or an upload token. A use of the token is counted once the upload is accepted."""
    KEY = auto()
    ADMIN_KEY = auto()


@dataclass
class Caller:
    """The caller of a request, by its headers.

    Attributes:
        credential: The value of `Authorization: Bearer`.
        origin: The origin of the page, as the browser states it.
        address: The client's network address.
        is_forwarded: Whether a proxy forwarded the request.
        client: The caller's name for the log; set as authentication proceeds.
        token_id: The id of the upload token of which the request uses one use, if accepted.
        counted_as: The client that rates, permits and turns are counted for; see
            `app.access.clients`.
    """

    credential: str | None
    origin: str | None
    address: str
    is_forwarded: bool
    client: str = "address"
    token_id: str | None = None
    counted_as: str = field(init=False)

    def __post_init__(self) -> None:
        self.counted_as = identify_caller(self.address)


def needs_credentials(settings: Settings) -> bool:
    """Return whether callers need a credential."""
    return settings.keys_file is not None


class Authenticator:
    """Admits or refuses callers before any of their request's body is read."""

    def __init__(self, settings: Settings, shared: RedisStamps | None) -> None:
        """Read the API keys.

        Args:
            settings: The file of keys and the rate limits.
            shared: Where replicas count together; if it is None, each replica counts by itself.

        Raises:
            SetupError: The file or `TAGGRAM_SECRET` is missing or invalid.
        """
        self._credentials = Credentials(settings) if needs_credentials(settings) else None
        self._limits = Limits(settings, shared)
        self._token_clients = TokenClients()

    async def admit(self, caller: Caller, access_level: AccessLevel) -> ApiKey | None:
        """Admit a caller, and return its API key if it has one.

        Raises:
            RequestError: `rate_limited`, `unauthorized` or `forbidden`.
        """
        credentials = self._credentials
        key = credentials.key(caller.credential) if credentials else None
        if key is not None:
            caller.client = caller.counted_as = f"key:{key.name}"
            await self._limits.count_key(key.name)
            _check_key(key, access_level)
            return key
        await self._limits.count_address(caller.address, is_forwarded=caller.is_forwarded)
        if credentials and access_level is not AccessLevel.NOTHING:
            token = credentials.token(caller.credential)
            caller.client = f"token:{token.key}"
            caller.counted_as = self._token_clients.client_of(token.id, caller.counted_as)
            _check_token(token, caller.origin, access_level)
            if access_level is AccessLevel.TOKEN_USE:
                caller.token_id = token.id
        return None

    async def use_token(self, token_id: str, call_id: str | None) -> None:
        """Count a use of an upload token, by its id.

        Args:
            token_id: The id of the token.
            call_id: The id of the use; one that a proxy sends again to another replica counts once.

        Raises:
            RequestError: `forbidden`: the token has no uses left.
        """
        await self._limits.use_token(token_id, call_id)

    def issue_token(self, key: ApiKey | None, origin: str) -> IssuedToken:
        """Return a new upload token for a page.

        Raises:
            RequestError: `forbidden`: no API keys are configured, or the origin is not allowed.
        """
        if self._credentials is None or key is None:
            raise RequestError(
                Kind.FORBIDDEN,
                "This service has no API keys. Send requests without an upload token.",
            )
        return self._credentials.issue_token(key.name, origin)


def _check_key(key: ApiKey, access_level: AccessLevel) -> None:
    if access_level is AccessLevel.ADMIN_KEY and not key.admin:
        raise RequestError(
            Kind.FORBIDDEN,
            "This request needs the API key of an admin, created with "
            "`taggram keys create --admin`.",
        )


def _check_token(token: UploadToken, origin: str | None, access_level: AccessLevel) -> None:
    if access_level not in {AccessLevel.TOKEN, AccessLevel.TOKEN_USE}:
        raise RequestError(Kind.FORBIDDEN, "This request needs an API key, not an upload token.")
    if origin != token.origin:
        raise RequestError(
            Kind.FORBIDDEN, f"This upload token is valid for {token.origin} only. {GET_ANOTHER}"
        )
