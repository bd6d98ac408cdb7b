"""FLAC of a constant level: some hundred bytes that decode to as many samples as one likes."""

from functools import cache

BLOCK_SAMPLES = 65_535
"""The longest that a frame may have."""

LEVEL = 40
"""Of 8 bits, so that the sound is not silent."""


def constant_flac(
    seconds: float,
    rate: int = 384_000,
    channels: int = 8,
    announced_s: float | None = None,
    comment: bytes = b"",
) -> bytes:
    """Write a FLAC of 8 bits in which each frame holds one level a channel.

    Args:
        seconds: Duration of the decoded audio, in whole frames.
        rate: In Hz, below 655,360 Hz.
        channels: Up to 8.
        announced_s: Duration in its header; none: the true one.
        comment: Makes it differ from other files of the same sound.
    """
    announced = round((seconds if announced_s is None else announced_s) * rate)
    sizes = BLOCK_SAMPLES.to_bytes(2, "big") * 2 + bytes(6)
    form = (rate << 44 | (channels - 1) << 41 | 7 << 36 | announced).to_bytes(8, "big")
    info = sizes + form + bytes(16)
    frames = b"".join(_frame(number, channels) for number in range(_frame_count(seconds, rate)))
    return b"fLaC" + _block(0, info) + _block(0x82, comment) + frames


def _frame_count(seconds: float, rate: int) -> int:
    return round(seconds * rate) // BLOCK_SAMPLES + 1


def _block(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


@cache
def _frame(number: int, channels: int) -> bytes:
    form = bytes([0x70, (channels - 1) << 4 | 1 << 1])  # its length follows; the rate is known
    head = b"\xff\xf8" + form + _utf8(number) + (BLOCK_SAMPLES - 1).to_bytes(2, "big")
    body = head + bytes([_crc(head, 0x07, 8)]) + bytes([0, LEVEL]) * channels
    return body + _crc(body, 0x8005, 16).to_bytes(2, "big")


def _utf8(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << (bits - 8)
        for _ in range(8):
            crc = crc << 1 ^ (polynomial if crc >> (bits - 1) else 0)
            crc &= (1 << bits) - 1
    return crc
