"""Verifies API keys and upload tokens, and issues tokens."""

from datetime import timedelta

from app.access.keyring import Keyring
from app.access.keys import ApiKey
from app.access.tokens import IssuedToken, UploadToken, UploadTokens
from app.errors import Kind, RequestError, SetupError
from app.settings import Settings


class Credentials:
    """The API keys and upload tokens that are accepted."""

    def __init__(self, settings: Settings) -> None:
        """Read the API keys.

        Raises:
            SetupError: `TAGGRAM_SECRET` is missing, or the file of keys is missing or invalid.
        """
        if settings.keys_file is None or settings.secret is None:
            raise SetupError(
                "TAGGRAM_KEYS_FILE is set, but not TAGGRAM_SECRET, which signs upload tokens; "
                "create one with `openssl rand -hex 32`"
            )
        self._keyring = Keyring(settings.keys_file)
        self._origins = settings.allowed_origins
        self._tokens = UploadTokens(
            settings.secret,
            timedelta(minutes=settings.upload_token_minutes),
            settings.upload_token_uses,
        )

    def key(self, credential: str | None) -> ApiKey | None:
        """Return the API key of a credential; None if it is not a valid key."""
        return self._keyring.find(credential) if credential else None

    def token(self, credential: str | None) -> UploadToken:
        """Return the upload token of a credential.

        Raises:
            RequestError: `unauthorized`: it is missing, or not a valid token.
        """
        if not credential:
            raise RequestError(
                Kind.UNAUTHORIZED,
                "Send an API key or an upload token, as `Authorization: Bearer ...`.",
            )
        token = self._tokens.read(credential)
        if not self._keyring.is_valid(token.key):
            raise RequestError(
                Kind.UNAUTHORIZED,
                "The API key that issued this upload token is revoked. Get a token with another "
                "key.",
            )
        return token

    def issue_token(self, key: str, origin: str) -> IssuedToken:
        """Return a new upload token for the pages of an origin.

        Raises:
            RequestError: `forbidden`: the origin is not allowed.
        """
        if origin not in self._origins:
            raise RequestError(
                Kind.FORBIDDEN,
                "The origin is not in TAGGRAM_ALLOWED_ORIGINS. Use one of the origins there.",
            )
        return self._tokens.issue(key, origin)
