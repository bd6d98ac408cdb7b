"""Keys for several purposes from one secret."""

from pydantic import SecretStr

from app.key_derivation import derive_key

SECRET = SecretStr("a secret of thirty-two characters")


def test_the_same_secret_and_purpose_give_the_same_key_in_every_replica() -> None:
    expected = "556ead92c699255eb706950a45830d6dc1a9ed61208a0bb09606309c9986f0e5"  # by openssl

    assert derive_key(SECRET, "taggrams").hex() == expected


def test_another_secret_or_purpose_gives_another_key() -> None:
    other = SecretStr(SECRET.get_secret_value() + "!")
    keys = {derive_key(secret, use) for secret in (SECRET, other) for use in ("taggrams", "tokens")}

    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
