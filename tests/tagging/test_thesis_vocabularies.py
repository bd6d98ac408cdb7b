"""The built-in vocabularies against the thesis: its wanted lists and merging dictionaries.

Transcribed from section 7.1.1 (genres) and annex B.2 (the others), misspellings and all.
"""

from collections.abc import Mapping

import pytest

from app.store.manifest.manifest import Manifest
from app.tagging.vocabulary import Vocabulary

GENRES = {
    "FMA": (
        "international, blues, jazz, classical, country, pop, rock, easylisening, soulrnb, "
        "electronic, folk, spoken, hiphop, experimental, instrumental",
        {
            "classic": "classical",
            "dance": "electronic",
            "electro": "electronic",
            "new age": "ambient",
            "country": "folk",
            "opera": "classical",
            "techno": "electronic",
            "spoken": "hiphop",
        },
    ),
    "MTAT": (
        "techno, classical, electronic, rock, opera, pop, classic, dance, new age, ambient, "
        "country, metal, electro, jazz, jazzy, instrumental, foreign, orchestra, folk",
        {
            "classic": "classical",
            "dance": "electronic",
            "electro": "electronic",
            "new age": "ambient",
            "country": "folk",
            "opera": "classical",
            "techno": "electronic",
            "jazzy": "jazz",
            "foreign": "international",
            "orchestra": "orchestral",
        },
    ),
    "MTG": (
        "electronic, soundtrack, pop, ambient, rock, classical, easylisening, experimental, "
        "alternative, chillout, dance, hiphop, indie, folk, orchestral, jazz, lounge, newage, "
        "techno, poprock, house, world, popfolk, trance, instrumentalpop, metal, funk, blues, "
        "rap, symphonic, darkambient",
        {
            "alternative": "rock",
            "dance": "electronic",
            "lounge": "jazz",
            "newage": "ambient",
            "techno": "electronic",
            "poprock": "rock",
            "house": "electronic",
            "popfolk": "folk",
            "trance": "electronic",
            "instrumentalpop": "pop",
            "world": "international",
            "funk": "soulrnb",
            "blues": "rock",
            "rap": "hiphop",
            "symphonic": "orchestral",
            "darkambient": "ambient",
        },
    ),
}

SUBGENRES = {
    "FMA": (
        "new age, country, techno, punk, loudrock, chipmusic, house, metal, postrock, soundtrack, "
        "garage, noiserock, hardcore, african, latinamerica, reggaedub, dubstep, middleeast, "
        "indian, avantgarde, noise, ambient, experimentalpop, electroacoustic, lofi, "
        "ambient electronic, indierock, improv, singersongwriter, idm, glitch, drone, psychrock, "
        "psychfolk, industrial, downtempo, postpunk, synthpop, triphop, freejazz, dance, "
        "contemporary classical, chiptune, hiphopbeats, minimalelectronic, americana, chillout, "
        "progressive, shoegaze, freefolk, alternativehiphop",
        {
            "african": "ethno",
            "improv": "freejazz",
            "middleeast": "eastern",
            "psychrock": "psychedelic",
            "psychfolk": "psychedelic",
            "freefolk": "psychedelic",
            "americana": "country",
            "noiserock": "noise",
            "chipmusic": "chiptune",
            "minimalelectronic": "minimal",
            "indierock": "indie",
            "drone": "minimal",
            "loudrock": "hardrock",
            "new age": "ambient",
        },
    ),
    "MTAT": (
        "ambient, new age, dance, country, techno, beat, indian, newage, beats, eastern, "
        "orchestra, hardrock, trance, spanish, electronica, oriental, funky, tribal, blues, metal",
        {
            "orchestra": "orchestral",
            "beat": "hiphopbeats",
            "beats": "hiphopbeats",
            "oriental": "eastern",
            "spanish": "latinamerica",
            "funky": "funk",
            "tribal": "ethno",
            "electronica": "dubstep",
            "newage": "ambient",
        },
    ),
    "MTG": (
        "darkambient, ambient, newage, soulrnb, alternative, dance, indie, lounge, newage, "
        "techno, house, trance, downtempo, atmospheric, triphop, funk, reggae, blues, electropop, "
        "singersongwriter, punkrock, latin, industrial, synthpop, minimal, psychedelic, country, "
        "rnb, dubstep, soul, hardrock, disco, dub, ethno, deephhouse, dancehall, postrock, "
        "orchestral, metal",
        {
            "latin": "latinamerica",
            "punkrock": "punk",
            "dub": "reggaedub",
            "reggae": "reggaedub",
            "breakbeat": "garage",
            "drumnbass": "garage",
            "rnb": "soulrnb",
            "soul": "soulrnb",
            "newage": "ambient",
            "darkambient": "ambient",
            "electropop": "synthpop",
        },
    ),
}

MOODTHEMES = {
    "MTAT": (
        "guitar, slow, strings, drums, fast, piano, violin, vocal, synth, female, male, singing, "
        "vocals, no vocals, heavy, loud, quiet, flute, woman, male vocal, no vocal, sitar, man, "
        "voice, female vocal, male voice, cello, no voice, female voice, drum, male vocals, "
        "violins, female vocals, bass, string, electric, classical guitar, upbeat, acoustic, "
        "male singer, electric guitar, man singing, no singing, percussion, woman singing",
        {
            "vocals": "vocal",
            "singing": "vocal",
            "woman": "female",
            "male vocal": "male",
            "no vocals": "no vocal",
            "man": "male",
            "voice": "vocal",
            "female vocal": "female",
            "male voice": "male",
            "no voice": "no vocal",
            "female voice": "female",
            "drum": "drums",
            "male vocals": "male",
            "violins": "violin",
            "female vocals": "female",
            "string": "strings",
            "electric": "electricguitar",
            "electric guitar": "electricguitar",
            "classical guitar": "guitar",
            "male singer": "male",
            "man singing": "male",
            "no singing": "no vocal",
            "percussion": "drums",
            "woman singing": "female",
            "fast": "energetic",
            "upbeat": "energetic",
            "heavy": "dark",
        },
    ),
    "MTG": (
        "piano, synthesizer, drums, bass, guitar, electricguitar, computer, keyboard, "
        "acousticguitar, violin, drummachine, happy, voice, energetic, relaxing, electricpiano, "
        "strings, emotional, melodic, dark, cello, epic, dream, love, percussion, saxophone, "
        "inspiring, trumpet, flute, sad, meditative, classicalguitar, uplifting, motivational, "
        "deep, beat, romantic, positive, playful, brass, fun, soft, calm, slow",
        {
            "acousticguitar": "guitar",
            "synthesizer": "synth",
            "voice": "vocal",
            "percussion": "drums",
            "classicalguitar": "guitar",
            "rhodes": "keyboard",
            "electricpiano": "keyboard",
            "bongo": "drums",
            "trumpet": "brass",
            "saxophone": "brass",
            "romantic": "love",
            "soft": "quiet",
            "calm": "slow",
            "motivational": "inspiring",
            "dream": "meditative",
        },
    ),
}

ALLTAGS = {
    "FMA": (
        "blues, jazz, classical, country, pop, rock, soulnrb, electronic, folk, spoken, hiphop, "
        "new age, country, techno, blues, punk, house, metal, postrock, soundtrack, garage, "
        "latinamerica, reggaedub, dubstep, ambient, lofi, african, indierock, new age, "
        "singersongwriter, psychrock, psychfolk, industrial, downtempo, synthpop, triphop, dance, "
        "hiphopbeats, chillout, freefolk, freejazz",
        {
            "classic": "classical",
            "dance": "electronic",
            "electro": "electronic",
            "new age": "ambient",
            "country": "folk",
            "freejazz": "jazz",
            "opera": "classical",
            "techno": "electronic",
            "spoken": "hiphop",
            "african": "ethno",
            "psychrock": "psychedelic",
            "psychfolk": "psychedelic",
            "freefolk": "psychedelic",
            "americana": "country",
            "indierock": "indie",
        },
    ),
    "MTAT": (
        "techno, classical, electronic, rock, opera, pop, classic, dance, new age, ambient, "
        "country, metal, electro, jazz, jazzy, instrumental, orchestra, folk, ambient, new age, "
        "dance, country, techno, beat, newage, beats, orchestra, trance, spanish, electronica, "
        "oriental, funky, tribal, blues, metal, guitar, slow, strings, drums, fast, piano, "
        "violin, vocal, synth, female, male, singing, vocals, no vocals, heavy, loud, quiet, "
        "flute, woman, male vocal, no vocal, sitar, man, voice, female vocal, male voice, cello, "
        "no voice, female voice, drum, male vocals, violins, female vocals, bass, string, "
        "electric, classical guitar, upbeat, acoustic, male singer, electric guitar, man singing, "
        "no singing, percussion, woman singing",
        {
            "classic": "classical",
            "dance": "electronic",
            "electro": "electronic",
            "new age": "ambient",
            "country": "folk",
            "opera": "classical",
            "techno": "electronic",
            "jazzy": "jazz",
            "orchestra": "orchestral",
            "beat": "hiphopbeats",
            "beats": "hiphopbeats",
            "spanish": "latinamerica",
            "funky": "funk",
            "tribal": "ethno",
            "electronica": "dubstep",
            "newage": "ambient",
            "vocals": "vocal",
            "singing": "vocal",
            "woman": "vocal",
            "male vocal": "vocal",
            "no vocals": "no vocal",
            "man": "vocal",
            "voice": "vocal",
            "female vocal": "vocal",
            "male voice": "vocal",
            "no voice": "no vocal",
            "female voice": "vocal",
            "drum": "drums",
            "male vocals": "vocal",
            "female vocals": "vocal",
            "string": "strings",
            "electric": "electricguitar",
            "electric guitar": "electricguitar",
            "classical guitar": "guitar",
            "male singer": "vocal",
            "man singing": "vocal",
            "no singing": "no vocal",
            "percussion": "drums",
            "woman singing": "vocal",
            "fast": "energetic",
            "upbeat": "energetic",
            "heavy": "dark",
            "male": "vocal",
            "female": "vocal",
        },
    ),
}

THESIS = {
    "genres": GENRES,
    "subgenres": SUBGENRES,
    "moodthemes": MOODTHEMES,
    "alltags": ALLTAGS,
}

# Deviations of our files from the thesis, each with a comment there.
RENAMED = {
    "genres": {"easylisening": "easylistening"},
    "subgenres": {"deephhouse": "deephouse", "new age": "ambient"},
    "moodthemes": {},
    "alltags": {"soulnrb": "soulrnb", "violins": "violin"},
}
RAW_TAGS_MOVED: dict[str, dict[str, str | None]] = {
    "genres": {},
    "subgenres": {"new age": "ambient", "beat": None, "beats": None},
    "moodthemes": {"beat": "beat", "beats": "beat"},
    "alltags": {"beat": None, "beats": None},
}
INSTRUMENTS = {
    ("classical", raw) for raw in ("cello", "choral", "harpsichord", "strings", "violin")
}
RAW_TAGS_ADDED = {"genres": INSTRUMENTS, "alltags": INSTRUMENTS}


def merged(name: str, dataset: str) -> dict[str, str]:
    """A dataset's wanted tags, each with the tag that it becomes."""
    wanted, merging = THESIS[name][dataset]
    return {tag: merging.get(tag, tag) for tag in wanted.split(", ")}


def test_the_built_in_vocabularies_are_the_four_of_the_thesis(
    vocabularies: Mapping[str, Vocabulary],
) -> None:
    assert set(vocabularies) == set(THESIS)
    assert all(vocabulary.description for vocabulary in vocabularies.values())


@pytest.mark.parametrize(
    ("name", "count"), [("genres", 19), ("subgenres", 54), ("moodthemes", 40), ("alltags", 54)]
)
def test_the_tags_are_those_of_the_thesis_merged_and_united(
    name: str, count: int, vocabularies: Mapping[str, Vocabulary]
) -> None:
    united = {tag for dataset in THESIS[name] for tag in merged(name, dataset).values()}
    tags = {RENAMED[name].get(tag, tag) for tag in united}

    assert set(vocabularies[name].tags) == tags
    assert len(tags) == count


@pytest.mark.parametrize("name", THESIS)
def test_each_raw_tag_of_magnatagatune_maps_to_the_tag_of_the_thesis(
    name: str, vocabularies: Mapping[str, Vocabulary], published: Mapping[str, Manifest]
) -> None:
    known = published["mtt-musicnn"].tags.names
    final: dict[str, str | None] = {**merged(name, "MTAT"), **RAW_TAGS_MOVED[name]}
    wanted = {(tag, raw) for raw, tag in final.items() if tag and raw in known}
    given = {
        (name, raw)
        for name, tag in vocabularies[name].tags.items()
        for raw in tag.raw_tags.get("mtt", ())
    }

    assert given == wanted | RAW_TAGS_ADDED.get(name, set())


@pytest.mark.parametrize("misspelt", ["deephhouse", "soulnrb", "easylisening"])
def test_no_misspelling_of_the_thesis_is_suggested(
    misspelt: str, vocabularies: Mapping[str, Vocabulary]
) -> None:
    assert not [name for name, vocabulary in vocabularies.items() if misspelt in vocabulary.tags]


@pytest.mark.parametrize("name", THESIS)
def test_a_tag_that_a_model_was_trained_on_under_the_same_name_is_never_left_without_it(
    name: str, vocabularies: Mapping[str, Vocabulary], published: Mapping[str, Manifest]
) -> None:
    trained = {tag for model in published.values() for tag in model.tags.names}
    uncovered = {tag for tag, about in vocabularies[name].tags.items() if not about.raw_tags}

    assert not uncovered & trained
