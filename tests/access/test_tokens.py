"""Upload tokens: which are believed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.access.tokens import CLAIMS, UploadToken, UploadTokens
from app.errors import Kind, RequestError
from app.key_derivation import derive_key

SECRET = SecretStr("a secret of tests, thirty-two or more characters")
SIGNING_KEY = derive_key(SECRET, "upload tokens")
TOKENS = UploadTokens(SECRET, timedelta(minutes=10), uses=5)
ORIGIN = "https://signup.example"

GOOD = {
    "iss": "taggram",
    "aud": "suggest-tags",
    "iat": datetime.now(UTC),
    "exp": datetime.now(UTC) + timedelta(days=1),  # however long the other tests take
    "jti": "an id",
    "origin": ORIGIN,
    "key": "shop",
}


def signed(claims: dict[str, Any], key: bytes | str = SIGNING_KEY, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, key, algorithm)


def assert_refused(token: str, words: str) -> None:
    with pytest.raises(RequestError, match=words) as refused:
        TOKENS.read(token)
    assert refused.value.kind is Kind.UNAUTHORIZED
    assert "POST /upload-tokens" in refused.value.detail


def test_a_token_holds_its_key_its_page_and_its_expiry() -> None:
    before = datetime.now(UTC)
    issued = TOKENS.issue("shop", ORIGIN)

    read = TOKENS.read(issued.token)

    assert (read.key, read.origin) == ("shop", ORIGIN)
    life = timedelta(minutes=10)
    assert before - timedelta(seconds=1) <= issued.expires_at - life <= datetime.now(UTC)
    assert issued.uses == 5
    assert read.id != TOKENS.read(TOKENS.issue("shop", ORIGIN).token).id


def test_a_replica_with_the_same_secret_accepts_it() -> None:
    replica = UploadTokens(SecretStr(SECRET.get_secret_value()), timedelta(minutes=1), uses=1)

    assert replica.read(TOKENS.issue("shop", ORIGIN).token).key == "shop"


def test_the_forged_tokens_differ_from_a_valid_one_only_by_the_forgery() -> None:
    assert TOKENS.read(signed(GOOD)) == UploadToken("an id", "shop", ORIGIN)


def test_an_expired_token_is_refused_as_such() -> None:
    assert_refused(signed({**GOOD, "exp": datetime.now(UTC) - timedelta(seconds=1)}), "expired")


FORGED = {
    "for another purpose": signed({**GOOD, "aud": "reload"}),
    "of another issuer": signed({**GOOD, "iss": "other"}),
    "without a signature": signed(GOOD, "", "none"),
    "by the secret itself": signed(GOOD, SECRET.get_secret_value()),
    "by another purpose's key": signed(GOOD, derive_key(SECRET, "taggrams")),
    "by another algorithm": signed(GOOD, SIGNING_KEY * 2, "HS512"),
    "cut off": signed(GOOD)[:-2],
    "with another body": signed({**GOOD, "origin": "https://evil.example"}).rpartition(".")[0]
    + "."
    + signed(GOOD).rpartition(".")[2],
    **{
        f"without {claim}": signed({key: GOOD[key] for key in CLAIMS if key != claim})
        for claim in CLAIMS
    },
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_token_is_refused(how: str) -> None:
    assert_refused(FORGED[how], "neither a valid API key nor a valid upload token")


@given(st.text() | st.builds("{}.{}.{}".format, st.text(), st.text(), st.text()))
def test_any_other_text_is_refused_with_a_message(token: str) -> None:
    with pytest.raises(RequestError):
        TOKENS.read(token)
