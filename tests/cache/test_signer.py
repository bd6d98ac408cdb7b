"""What we kept is believed in its place, and nothing else anywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cache.signer import SIGNATURE_BYTES, BadSignature, Signer

SIGNER = Signer(b"k" * 32)


@given(name=st.text(), value=st.binary())
def test_a_signed_value_is_verified_under_its_key(name: str, value: bytes) -> None:
    assert SIGNER.verify(name, SIGNER.sign(name, value)) == value


def test_a_flipped_bit_is_refused() -> None:
    sign = SIGNER.sign("a", b"abc")
    for bit in range(8 * len(sign)):
        data = bytearray(sign)
        data[bit // 8] ^= 1 << bit % 8

        with pytest.raises(BadSignature):
            SIGNER.verify("a", bytes(data))


def test_a_truncated_value_is_refused() -> None:
    sign = SIGNER.sign("a", b"abc")
    for length in range(len(sign)):
        with pytest.raises(BadSignature):
            SIGNER.verify("a", sign[:length])


@pytest.mark.parametrize(
    ("name", "value"), [("b", b"abc"), ("", b"abc"), ("aa", b"bc"), ("a", b"")], ids=repr
)
def test_a_value_moved_to_another_key_is_refused(name: str, value: bytes) -> None:
    signature = SIGNER.sign("a", b"abc")[:SIGNATURE_BYTES]

    with pytest.raises(BadSignature):
        SIGNER.verify(name, signature + value)


def test_a_value_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(BadSignature):
        SIGNER.verify("a", Signer(b"K" * 32).sign("a", b"abc"))
