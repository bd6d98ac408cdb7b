"""Upload tokens: what a page gets instead of a key, for one purpose, one origin, a few minutes."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import jwt
from pydantic import SecretStr

from app.errors import Kind, RequestError
from app.key_derivation import derive_key

PURPOSE = "suggest-tags"
ISSUER = "taggram"
ALGORITHM = "HS256"
"""The only one that is accepted: `none` and others in a token's header are not obeyed."""

CLAIMS = ["iss", "aud", "exp", "iat", "jti", "origin", "key"]
GET_ANOTHER = "Get a new upload token from POST /upload-tokens."


@dataclass(frozen=True)
class IssuedToken:
    """What a page gets.

    Attributes:
        token: To be sent as `Authorization: Bearer`.
        expires_at: To the second.
        uses: So many uploads it is good for.
    """

    token: str
    expires_at: datetime
    uses: int


@dataclass(frozen=True)
class UploadToken:
    """What a good token says.

    Attributes:
        id: By which its uses are counted.
        key: The name of the API key that it was got with.
        origin: The page that may send it.
    """

    id: str
    key: str
    origin: str


class UploadTokens:
    """Signs upload tokens, and knows them again; every replica with the same secret does."""

    def __init__(self, secret: SecretStr, lifetime: timedelta, uses: int) -> None:
        self._key = derive_key(secret, "upload tokens")
        self._lifetime = lifetime
        self._uses = uses

    def issue(self, key: str, origin: str) -> IssuedToken:
        """A token for a page, got with the API key of that name."""
        now = datetime.now(UTC).replace(microsecond=0)
        expires_at = now + self._lifetime
        claims = {
            "iss": ISSUER,
            "aud": PURPOSE,
            "iat": now,
            "exp": expires_at,
            "jti": uuid.uuid4().hex,
            "origin": origin,
            "key": key,
        }
        return IssuedToken(jwt.encode(claims, self._key, ALGORITHM), expires_at, self._uses)

    def read(self, token: str) -> UploadToken:
        """What a token says.

        Raises:
            RequestError: `unauthorized`: it is expired, not ours, or for something else.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                [ALGORITHM],
                audience=PURPOSE,
                issuer=ISSUER,
                # A replica's clock may be behind the one that issued it.
                options={"require": CLAIMS, "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise RequestError(
                Kind.UNAUTHORIZED, f"The upload token has expired. {GET_ANOTHER}"
            ) from None
        except jwt.InvalidTokenError:
            raise RequestError(
                Kind.UNAUTHORIZED,
                f"That is neither a good API key nor a good upload token. {GET_ANOTHER}",
            ) from None
        return UploadToken(str(claims["jti"]), str(claims["key"]), str(claims["origin"]))
