"""What callers show, where there are API keys: a key, or an upload token got with one."""

from datetime import timedelta

from app.access.keyring import Keyring
from app.access.keys import ApiKey
from app.access.tokens import IssuedToken, UploadToken, UploadTokens
from app.errors import Kind, RequestError, SetupError
from app.settings import Settings


class Credentials:
    """Knows keys and tokens, and issues tokens."""

    def __init__(self, settings: Settings) -> None:
        """Read the API keys.

        Raises:
            SetupError: `TAGGRAM_SECRET` is missing, or something is wrong with the file of keys.
        """
        if settings.keys_file is None or settings.secret is None:
            raise SetupError(
                "TAGGRAM_KEYS_FILE needs TAGGRAM_SECRET, with which upload tokens are signed; "
                "`openssl rand -hex 32` makes one"
            )
        self._keyring = Keyring(settings.keys_file)
        self._origins = settings.allowed_origins
        self._tokens = UploadTokens(
            settings.secret,
            timedelta(minutes=settings.upload_token_minutes),
            settings.upload_token_uses,
        )

    def key(self, shown: str | None) -> ApiKey | None:
        """The API key that was shown, if it was one, and a good one."""
        return self._keyring.find(shown) if shown else None

    def token(self, shown: str | None) -> UploadToken:
        """The upload token that was shown.

        Raises:
            RequestError: `unauthorized`.
        """
        if not shown:
            raise RequestError(
                Kind.UNAUTHORIZED,
                "Send an API key or an upload token, as `Authorization: Bearer ...`.",
            )
        token = self._tokens.read(shown)
        if not self._keyring.is_good(token.key):
            raise RequestError(
                Kind.UNAUTHORIZED,
                "The API key with which this upload token was got is revoked. Use another.",
            )
        return token

    def issue_token(self, key: str, origin: str) -> IssuedToken:
        """An upload token for a page.

        Raises:
            RequestError: `forbidden`: the page is none of those allowed.
        """
        if origin not in self._origins:
            raise RequestError(
                Kind.FORBIDDEN, "That origin is not among this service's TAGGRAM_ALLOWED_ORIGINS."
            )
        return self._tokens.issue(key, origin)
