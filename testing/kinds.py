"""Files as phones, recorders, taggers and encoders write them: one sound in all of these kinds."""

import io
import struct
from collections.abc import Callable
from functools import partial

import numpy as np
import soundfile
import soxr

from testing.corpus.mpeg import id3
from testing.corpus.wav import fmt
from testing.corpus.wav import riff as wav_of
from testing.media import media, remuxed
from testing.ogg_pages import FIRST, LAST, checked, page, pages, with_serial
from testing.sounds import Sound, encoded

RATE = 44_100
"""Of the sounds, which are mono."""

OPUS_RATE, NARROW_RATE = 48_000, 8_000
FREE_BYTES = 480
"""Of an MP3 frame of 160 kbit/s at 48 kHz."""

Kind = Callable[[Sound], bytes]


def wav(sound: Sound, codec: str = "PCM_16", container: str = "WAV") -> bytes:
    return encoded(sound, RATE, container, codec)


def flac(sound: Sound, codec: str = "PCM_16") -> bytes:
    return encoded(sound, RATE, "FLAC", codec)


def mp3(sound: Sound, *, channels: int = 2, header: bool = True, rate: int = RATE) -> bytes:
    """An MP3 without a tag."""
    options = {"write_xing": str(int(header)), "id3v2_version": "0"}
    return media(
        soxr.resample(sound, RATE, rate), "libmp3lame", "mp3", rate=rate, channels=channels,
        bit_rate=160_000, options=options,
    )  # fmt: skip


def vorbis(sound: Sound, serial: int = 1, rate: int = RATE) -> bytes:
    resampled = soxr.resample(sound, RATE, rate)
    return with_serial(encoded(resampled, rate, "OGG"), serial)


def opus(sound: Sound, serial: int = 1) -> bytes:
    resampled = soxr.resample(sound, RATE, OPUS_RATE)
    return with_serial(encoded(resampled, OPUS_RATE, "OGG", "OPUS"), serial)


def aac(sound: Sound, container: str = "ipod", **options: str) -> bytes:
    return media(sound, "aac", container, bit_rate=192_000, options=options)


def of(codec: str, container: str, sound: Sound) -> bytes:
    return media(sound, codec, container, bit_rate=192_000)


def at(rate: int, codec: str, container: str, sound: Sound, **options: str) -> bytes:
    resampled = soxr.resample(sound, RATE, rate)
    channels = 1 if rate == NARROW_RATE else 2
    return media(resampled, codec, container, rate=rate, channels=channels, options=options)


def sizes_of_0(sound: Sound) -> bytes:
    """A recorder died before it wrote how much there is."""
    file = wav(sound)
    at_data = file.index(b"data") + 4
    return file[:4] + bytes(4) + file[8:at_data] + bytes(4) + file[at_data + 4 :]


def bw64(sound: Sound) -> bytes:
    data = (sound * 2**15).astype("<i2").tobytes()
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, len(data) + 100, len(data), len(sound), 0)
    body = struct.pack("<4sI", b"data", 2**32 - 1) + data
    return wav_of(sizes, fmt(rate=RATE), body, size=2**32 - 1, magic=b"BW64")


def rifx(sound: Sound) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, RATE, "PCM_16", "BIG", "WAV")
    return file.getvalue()


def announcing(seconds: float, sound: Sound) -> bytes:
    """A FLAC whose header announces this much more."""
    file = flac(sound)
    frames = len(sound) + round(seconds * RATE)
    return file[:22] + struct.pack(">I", frames) + file[26:]


def free_bit_rate(sound: Sound) -> bytes:
    file = bytearray(mp3(sound, header=False, rate=48_000))
    for frame in range(0, len(file), FREE_BYTES):
        file[frame + 2] &= 0x0F
    return bytes(file)


def begun_before(first: bytes, sound: Sound) -> bytes:
    """A stream of Vorbis multiplexed with another one, whose first page comes first."""
    own, *rest = pages(vorbis(sound))
    other = page([first], 0, flags=FIRST, serial=7)
    end = page([], 1, flags=LAST, serial=7)
    return own + other + end + b"".join(rest)


def with_granules(change: Callable[[int], int], sound: Sound) -> bytes:
    """Opus whose pages have changed granule positions."""
    made = []
    file = at(OPUS_RATE, "libopus", "ogg", sound, page_duration="20000")
    for number, one in enumerate(pages(file)):
        (granule,) = struct.unpack("<q", one[6:14])
        announced = change(granule) if number > 1 else granule
        made.append(checked(one[:6] + struct.pack("<q", announced) + one[14:]))
    return b"".join(made)


def without_end(sound: Sound) -> bytes:
    *rest, last = pages(opus(sound))
    return b"".join([*rest, checked(last[:5] + bytes([last[5] & ~LAST]) + last[6:])])


def branded(brand: bytes, sound: Sound) -> bytes:
    file = aac(sound)
    return file[:8] + brand + file[12:]


def amr(sound: Sound) -> bytes:
    """Frames of 20 ms at 12.2 kbit/s, of garbage: the newest FFmpeg here encodes none."""
    garbage = np.random.RandomState(7).bytes
    return b"#!AMR\n" + b"".join(b"\x3c" + garbage(31) for _ in range(50 * len(sound) // RATE))


def cut(share: float, file: bytes) -> bytes:
    return file[: int(share * len(file))]


def with_hole(size: int, file: bytes) -> bytes:
    middle = len(file) // 2
    return file[:middle] + bytes(size) + file[middle + size :]


SKELETON = struct.pack("<8sHHqqqq20x", b"fishead\0", 3, 0, 0, 1_000, 0, 1_000)
JUNK = bytes(np.random.RandomState(5).randint(0, 250, 417, np.uint8))
APE_TAG = b"APETAGEX" + struct.pack("<4I8x", 2_000, 32, 0, 0)
TAG = id3(bytes(200))

WAVS: dict[str, Kind] = {
    "WAV": wav,
    "WAV of 24 bits": partial(wav, codec="PCM_24"),
    "WAV of floats": partial(wav, codec="FLOAT"),
    "WAV of A-law": partial(wav, codec="ALAW"),
    "WAV of mu-law": partial(wav, codec="ULAW"),
    "WAV of MS ADPCM": partial(of, "adpcm_ms", "wav"),
    "WAV of IMA ADPCM": partial(wav, codec="IMA_ADPCM"),
    "WAV of MP3": partial(of, "libmp3lame", "wav"),
    "WAV of size 0": sizes_of_0,
    "WAV behind an ID3 tag": lambda sound: TAG + wav(sound),
    "RF64": partial(wav, container="RF64"),
    "BW64": bw64,
    "RIFX": rifx,
    "W64": partial(wav, container="W64"),
    "AIFF": partial(wav, container="AIFF"),
    "AIFF-C": partial(of, "pcm_s16le", "aiff"),
    "CAF": partial(wav, container="CAF"),
    "CAF of ALAC": partial(wav, codec="ALAC_16", container="CAF"),
}

FLACS: dict[str, Kind] = {
    "FLAC": flac,
    "FLAC of 24 bits": partial(flac, codec="PCM_24"),
    "FLAC before an ID3v1 tag": lambda sound: flac(sound) + b"TAG" + bytes(125),
    "FLAC before an APE tag": lambda sound: flac(sound) + APE_TAG,
    "FLAC before zeros": lambda sound: flac(sound) + bytes(4_096),
    "FLAC behind an empty ID3v2 tag": lambda sound: id3(b"") + flac(sound),
    "FLAC in Ogg": partial(of, "flac", "ogg"),
}

MPEGS: dict[str, Kind] = {
    "MP3": mp3,
    "MP3 without a header": partial(mp3, header=False),
    "MP3 of a free bit rate": free_bit_rate,
    "MP3 behind zeros": lambda sound: bytes(1_500) + mp3(sound),
    "MP3 behind junk": lambda sound: JUNK + mp3(sound),
    "MP3 behind a tag and ones": lambda sound: TAG + b"\xff" * 8 + mp3(sound),
    "MP3 behind a tag and junk": lambda sound: TAG + JUNK[:300] + mp3(sound),
    "MP3 behind a tag of a wrong size": lambda sound: (
        b"ID3\4\0\0" + (20_000).to_bytes(4, "big") + bytes(20_000) + mp3(sound)
    ),
    "MP3 behind an APE tag": lambda sound: APE_TAG + mp3(sound),
    "MP3 from the middle of a frame": lambda sound: mp3(sound, header=False)[700:],
    "MP3 before an ID3v1 tag": lambda sound: mp3(sound) + b"TAG" + bytes(125),
    "MP2": partial(of, "mp2", "mp2"),
    "AAC": partial(aac, container="adts"),
    "AAC from the middle of a frame": lambda sound: aac(sound, "adts")[100:],
    "LATM": partial(aac, container="latm"),
}

OGGS: dict[str, Kind] = {
    "Ogg Vorbis": vorbis,
    "Ogg with a cover": partial(begun_before, b"\x80theora\3\2\1".ljust(42, b"\0")),
    "Ogg with a skeleton": partial(begun_before, SKELETON),
    "Ogg behind an ID3 tag": lambda sound: TAG + vorbis(sound),
    "Opus": opus,
    "Opus by FFmpeg": partial(at, OPUS_RATE, "libopus", "ogg"),
    "Opus without an end": without_end,
    "Opus whose granules are 0": partial(with_granules, lambda _: 0),
    "Opus whose granules are 960 too low": partial(with_granules, lambda at: max(0, at - 960)),
}

BOXES: dict[str, Kind] = {
    "M4A": aac,
    **{
        f"M4A of the brand {brand}": partial(branded, brand.ljust(4).encode())
        for brand in ("3gp4", "3gp5", "iso4", "iso8", "f4a", "M4P", "M4V", "avc1", "qt")
    },
    "M4A without its first box": lambda sound: aac(sound).replace(b"ftyp", b"free", 1),
    "MP4 in fragments": lambda sound: aac(
        sound, "mp4", movflags="frag_keyframe+empty_moov+default_base_moof", frag_duration="500000"
    ),
    "MP4 of MP3": partial(of, "libmp3lame", "mp4"),
    "MP4 with a film": lambda sound: media(sound, container="mp4", video=True, bit_rate=192_000),
    "ALAC": partial(of, "alac", "ipod"),
    "QuickTime": partial(of, "pcm_s16le", "mov"),
    "WebM": partial(at, OPUS_RATE, "libopus", "webm"),
    "WebM, live": partial(at, OPUS_RATE, "libopus", "webm", live="1"),
    "Matroska of PCM": partial(of, "pcm_s16le", "matroska"),
    "Matroska of FLAC": partial(of, "flac", "matroska"),
    "Matroska of MP3": partial(of, "libmp3lame", "matroska"),
    "WMA 1": partial(of, "wmav1", "asf"),
    "WMA 2": partial(of, "wmav2", "asf"),
    "WavPack": partial(of, "wavpack", "wv"),
    "TTA": partial(of, "tta", "tta"),
}

OTHERS: dict[str, Kind] = {
    "AU": partial(of, "pcm_s16be", "au"),
    "AU of mu-law": partial(of, "pcm_mulaw", "au"),
    "AC-3": partial(of, "ac3", "ac3"),
    "E-AC-3": partial(of, "eac3", "eac3"),
    "FLV of MP3": partial(of, "libmp3lame", "flv"),
    "FLV of AAC": partial(of, "aac", "flv"),
    "AVI of PCM": partial(of, "pcm_s16le", "avi"),
    "AVI of MP3": partial(of, "libmp3lame", "avi"),
    "MPEG-TS of AAC": partial(of, "aac", "mpegts"),
    "MPEG-TS of MP2": partial(of, "mp2", "mpegts"),
    "MPEG-TS of AC-3": partial(of, "ac3", "mpegts"),
    "MPEG-PS of MP2": partial(of, "mp2", "mpeg"),
    "MPEG-PS of AC-3": partial(of, "ac3", "vob"),
}

NARROW: dict[str, Kind] = {
    "AMR": amr,
    "3GP of AMR": lambda sound: remuxed(amr(sound), "3gp"),
    "WAV of GSM": lambda sound: encoded(
        soxr.resample(sound, RATE, NARROW_RATE), NARROW_RATE, "WAV", "GSM610"
    ),
}
"""Telephone codecs, which drop half of the spectrum."""

TWICE: dict[str, Kind] = {
    "FLAC, two joined": lambda sound: 2 * flac(sound),
    "MP3, two joined": lambda sound: 2 * mp3(sound),
    "MP3, mono behind stereo": lambda sound: mp3(sound) + mp3(sound, channels=1),
    "MP3, joined at two rates": lambda sound: mp3(sound) + mp3(sound, rate=48_000),
    "Ogg, chained": lambda sound: vorbis(sound) + vorbis(sound, 2),
    "Ogg, chained at two rates": lambda sound: vorbis(sound) + vorbis(sound, 2, rate=48_000),
    "Ogg, Opus behind Vorbis": lambda sound: vorbis(sound) + opus(sound, 2),
    "Opus, chained": lambda sound: opus(sound) + opus(sound, 2),
}
"""The sound twice, all of which is decoded."""

KINDS: dict[str, Kind] = {**WAVS, **FLACS, **MPEGS, **OGGS, **BOXES, **OTHERS, **NARROW, **TWICE}

DAMAGED: dict[str, Kind] = {
    "FLAC that announces a second more": partial(announcing, 1.0),
    "WAV cut short": lambda sound: wav(sound)[: len(sound)],
    "AIFF cut short": lambda sound: wav(sound, container="AIFF")[: len(sound)],
    "MP3 cut short": lambda sound: cut(0.5, mp3(sound)),
    "WebM cut short": lambda sound: cut(0.67, KINDS["WebM"](sound)),
    "M4A with a hole": lambda sound: with_hole(9_000, aac(sound)),
    "FLAC with a hole": lambda sound: with_hole(100, flac(sound)),
}
"""Of these a part can be decoded."""
