"""What the operator must have set up before the gate opens, and which client a caller is."""

import asyncio
from pathlib import Path

import pytest

from app.access.authenticator import AccessLevel, Authenticator, Caller, needs_credentials
from app.access.clients import MAX_TOKENS, TokenClients
from app.access.key_file import create_key
from app.errors import SetupError
from app.settings import Settings

SECRET = "a secret of tests, thirty-two or more characters"


def test_without_a_key_file_nothing_is_set_up() -> None:
    assert not needs_credentials(Settings())
    Authenticator(Settings(), None)


def test_a_key_file_needs_a_secret(tmp_path: Path) -> None:
    create_key(tmp_path / "keys.json", "shop", admin=False)

    with pytest.raises(SetupError, match=r"TAGGRAM_SECRET.*openssl rand -hex 32"):
        Authenticator(Settings(keys_file=tmp_path / "keys.json"), None)


def test_a_missing_key_file_grants_no_access(tmp_path: Path) -> None:
    settings = Settings(keys_file=tmp_path / "missing.json", secret=SECRET)

    assert needs_credentials(settings)
    with pytest.raises(SetupError, match="taggram keys create"):
        Authenticator(settings, None)


ORIGIN = "https://signup.example"


def counted_as(authenticator: Authenticator, address: str, credential: str | None = None) -> str:
    """Which client a caller is once it is let in."""
    call = Caller(credential, ORIGIN, address, is_forwarded=True)
    asyncio.run(authenticator.admit(call, AccessLevel.TOKEN))
    return call.counted_as


def test_without_keys_a_client_is_an_address_or_a_network_of_64_bits() -> None:
    authenticator = Authenticator(Settings(), None)

    assert counted_as(authenticator, "2001:db8:1:2::1") == counted_as(
        authenticator, "2001:db8:1:2:ffff::1"
    )
    assert counted_as(authenticator, "2001:db8:1:2::1") != counted_as(
        authenticator, "2001:db8:1:3::1"
    )
    assert counted_as(authenticator, "192.0.2.1") == counted_as(authenticator, "::ffff:192.0.2.1")
    assert counted_as(authenticator, "192.0.2.1") != counted_as(authenticator, "192.0.2.2")


def test_a_key_is_one_client_from_any_address_and_its_tokens_are_others(tmp_path: Path) -> None:
    shop = create_key(tmp_path / "keys.json", "shop", admin=False)
    settings = Settings(keys_file=tmp_path / "keys.json", secret=SECRET, allowed_origins=(ORIGIN,))
    authenticator = Authenticator(settings, None)
    key = asyncio.run(
        authenticator.admit(Caller(shop, None, "192.0.2.9", is_forwarded=True), AccessLevel.KEY)
    )
    one, other = (authenticator.issue_token(key, ORIGIN).token for _ in range(2))

    assert counted_as(authenticator, "192.0.2.1", shop) == counted_as(
        authenticator, "192.0.2.2", shop
    )
    # Many tokens from one address, and one token from many addresses, are one client.
    artist = counted_as(authenticator, "192.0.2.1", one)
    assert counted_as(authenticator, "192.0.2.1", other) == artist
    assert counted_as(authenticator, "192.0.2.2", one) == artist
    assert (
        counted_as(authenticator, "192.0.2.3", authenticator.issue_token(key, ORIGIN).token)
        != artist
    )
    assert artist != counted_as(authenticator, "192.0.2.1", shop)


def test_the_number_of_remembered_tokens_is_bounded() -> None:
    clients = TokenClients()
    for number in range(MAX_TOKENS + 1):
        clients.client_of(str(number), "first")

    assert clients.client_of(str(MAX_TOKENS), "second") == "first"
    assert clients.client_of("0", "second") == "second"
