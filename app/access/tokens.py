"""Upload tokens, which a page uses instead of a key: for one purpose and origin, for minutes."""

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
"""The only algorithm that is accepted: the one in a token's header, such as `none`, is ignored."""

CLAIMS = ["iss", "aud", "exp", "iat", "jti", "origin", "key"]
GET_ANOTHER = "Get a new upload token from POST /upload-tokens."


@dataclass(frozen=True)
class IssuedToken:
    """A new upload token.

    Attributes:
        token: The token, to be sent as `Authorization: Bearer`.
        expires_at: When it expires, to the second.
        uses: The number of uploads that it allows.
    """

    token: str
    expires_at: datetime
    uses: int


@dataclass(frozen=True)
class UploadToken:
    """The content of a valid token.

    Attributes:
        id: The id by which its uses are counted.
        key: The name of the API key that it was issued for.
        origin: The origin whose pages may send it.
    """

    id: str
    key: str
    origin: str


class UploadTokens:
    """Signs and verifies upload tokens; replicas with the same secret accept each other's."""

    def __init__(self, secret: SecretStr, lifetime: timedelta, uses: int) -> None:
        """Derive the key of the signatures.

        Args:
            secret: The secret of the service.
            lifetime: How long a token is valid.
            uses: The number of uploads that a token allows.
        """
        self._key = derive_key(secret, "upload tokens")
        self._lifetime = lifetime
        self._uses = uses

    def issue(self, key: str, origin: str) -> IssuedToken:
        """Return a new token for an origin, issued for the API key of this name."""
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
        """Verify a token, and return its content.

        Raises:
            RequestError: `unauthorized`: it is expired, wrongly signed, or for another purpose.
        """
        try:
            claims = jwt.decode(
                token,
                self._key,
                [ALGORITHM],
                audience=PURPOSE,
                issuer=ISSUER,
                # This replica's clock may be behind that of the replica that issued the token.
                options={"require": CLAIMS, "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise RequestError(
                Kind.UNAUTHORIZED, f"The upload token has expired. {GET_ANOTHER}"
            ) from None
        except jwt.InvalidTokenError:
            raise RequestError(
                Kind.UNAUTHORIZED,
                "The credential is neither a valid API key nor a valid upload token. "
                f"{GET_ANOTHER}",
            ) from None
        return UploadToken(str(claims["jti"]), str(claims["key"]), str(claims["origin"]))
