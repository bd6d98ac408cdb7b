"""The gate: who calls, whether they may, and whether they do so too often."""

from dataclasses import dataclass, field
from enum import Enum, auto

from app.access.addresses import caller_at
from app.access.clients import TokenClients
from app.access.credentials import Credentials
from app.access.keys import ApiKey
from app.access.limits import Limits
from app.access.tokens import GET_ANOTHER, IssuedToken, UploadToken
from app.cache.redis import RedisStamps
from app.errors import Kind, RequestError
from app.settings import Settings


class AccessLevel(Enum):
    """What a caller must show, where there are API keys at all."""

    NOTHING = auto()
    TOKEN = auto()
    """An API key, or an upload token."""
    TOKEN_USE = auto()
    """An API key, or an upload token, of which a use is counted once the upload is accepted."""
    KEY = auto()
    ADMIN_KEY = auto()


@dataclass
class Caller:
    """Who calls, as far as the head of a request tells.

    Attributes:
        credential: What came as `Authorization: Bearer`.
        origin: The page that the browser says it is from.
        address: The client's network address.
        is_forwarded: Whether a proxy took part.
        client: The caller's name for the log; better known as the gate learns more.
        token_id: Of an upload token of which this call costs a use, where it is accepted.
        counted_as: Which client it is where rates, places and turns are shared out; see
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
        self.counted_as = caller_at(self.address)


def configured(settings: Settings) -> bool:
    """Whether callers need a credential."""
    return settings.keys_file is not None


class Authenticator:
    """Lets callers in, or says why not, before a byte of their request's body is read."""

    def __init__(self, settings: Settings, shared: RedisStamps | None) -> None:
        """Read the API keys.

        Args:
            settings: Where the keys are, and how often callers may call.
            shared: Where replicas count together; where it is None, each counts calls by itself.

        Raises:
            SetupError: Their file or `TAGGRAM_SECRET` is missing or wrong.
        """
        self._credentials = Credentials(settings) if configured(settings) else None
        self._limits = Limits(settings, shared)
        self._token_clients = TokenClients()

    async def admit(self, caller: Caller, access_level: AccessLevel) -> ApiKey | None:
        """Let a caller in; the API key, where one was shown.

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

    async def use_token(self, token_id: str) -> None:
        """Count a use of an upload token, by its id in the call.

        Raises:
            RequestError: `forbidden`: it has none left.
        """
        await self._limits.use_token(token_id)

    def issue_token(self, key: ApiKey | None, origin: str) -> IssuedToken:
        """An upload token for a page.

        Raises:
            RequestError: `forbidden`: nobody needs one here, or the page is none of those allowed.
        """
        if self._credentials is None or key is None:
            raise RequestError(
                Kind.FORBIDDEN, "This service has no API keys, so that no upload token is needed."
            )
        return self._credentials.issue_token(key.name, origin)


def _check_key(key: ApiKey, access_level: AccessLevel) -> None:
    if access_level is AccessLevel.ADMIN_KEY and not key.admin:
        raise RequestError(
            Kind.FORBIDDEN,
            "This needs an admin's API key, made with `taggram keys create --admin`.",
        )


def _check_token(token: UploadToken, origin: str | None, access_level: AccessLevel) -> None:
    if access_level not in {AccessLevel.TOKEN, AccessLevel.TOKEN_USE}:
        raise RequestError(Kind.FORBIDDEN, "This needs an API key, not an upload token.")
    if origin != token.origin:
        raise RequestError(
            Kind.FORBIDDEN, f"This upload token is for pages of {token.origin}. {GET_ANOTHER}"
        )
