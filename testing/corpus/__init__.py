"""Hostile audio, written in code, each file with its verdict."""

from testing.corpus import (
    aiff,
    boxes,
    damage,
    ebml,
    flac,
    mpeg,
    ogg,
    others,
    sounds,
    strangers,
    wav,
)
from testing.corpus.hostile import Files

ROOMS = (wav, aiff, flac, ogg, mpeg, boxes, ebml, others, strangers, sounds, damage)

CORPUS: Files = {name: hostile for room in ROOMS for name, hostile in room.FILES.items()}
