"""The element speaks the page's language, and a host's own words."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from testing.server import Server
from tests.browser.console_errors import ConsoleErrors
from tests.browser.element import Element, Embed
from tests.browser.network import fulfill
from tests.support.client import answer, post

FIELD = '<tag-suggest {} name="subgenres" max="3" threshold="0"></tag-suggest>'
ENGLISH = FIELD.format('lang="en"')
FRENCH = FIELD.format('lang="fr"')
CHOOSE = {"en": "Choose a track", "fr": "Choisir un morceau"}
ANNOUNCED = "element => element.shadowRoot.querySelector('[aria-live]').textContent"


@pytest.fixture
def given(service: Server, track: Path) -> dict:
    """What the service answers."""
    return answer(post(service, track, top_k=3))


def has_text(element: Element, words: str) -> None:
    """Wait until it says this."""
    expect(element.root.get_by_text(words, exact=True)).to_be_visible()


def choose(element: Element, track: Path) -> None:
    """Choose a track, in whichever language."""
    with element.page.expect_console_message(lambda message: message.text == "suggested"):
        element.root.locator("input[type=file]").set_input_files(track)


def test_the_nearest_lang_attribute_sets_the_language(embed: Embed, page: Page) -> None:
    languages = {
        FIELD.format(""): "en",
        FRENCH: "fr",
        FIELD.format('lang="fr-CA"'): "fr",
        f'<div lang="fr"><p lang="de"></p>{FIELD.format("")}</div>': "fr",
        f'<div lang="fr">{ENGLISH}</div>': "en",
        FIELD.format('lang="tlh"'): "en",
        FIELD.format('lang="not a language"'): "en",
    }
    embed("".join(languages))
    for index, language in enumerate(languages.values()):
        element = Element(page, index)
        has_text(element, CHOOSE[language])
        expect(element.root.locator("fieldset")).to_have_attribute(
            "lang", re.compile(f"^{language}(-CA)?$")
        )


def test_a_change_of_language_loses_nothing(embed: Embed, page: Page) -> None:
    element = embed(FIELD.format(""))
    element.add("electronic, bedroom techno")
    element.own.fill("half a wor")
    page.evaluate("document.documentElement.lang = 'fr'")
    has_text(element, CHOOSE["fr"])
    expect(element.button("Retirer Électronique")).to_be_visible()
    expect(element.root.locator("#own")).to_have_value("half a wor")
    page.evaluate("document.documentElement.lang = 'en'")
    has_text(element, CHOOSE["en"])
    assert element.value == ["electronic", "bedroom techno"]


def test_an_english_page_loads_no_other_language(embed: Embed, page: Page) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    embed(FIELD.format(""))
    assert any(url.endswith("/words-en.js") for url in requested)
    assert not any(url.endswith("/words-fr.js") for url in requested)


def test_a_language_whose_file_is_missing_falls_back_to_english(
    embed: Embed, page: Page, console_errors: ConsoleErrors
) -> None:
    console_errors.expect("net::ERR_")
    page.route("**/words-fr.js", lambda route: route.abort())
    has_text(embed(FRENCH), CHOOSE["en"])


def test_suggestions_are_in_french(embed: Embed, given: dict, track: Path) -> None:
    element = embed(FRENCH)
    moment = {"start_s": 62.0, "end_s": 75.0, "score": 0.9}
    tag = {"tag": "electronic", "label": "Electronic", "level": "genre", "score": 0.75}
    suggestions = [{**tag, "heard_at": [moment]}]
    fulfill(element.page, json={**given, "confidence": "high", "suggestions": suggestions})
    choose(element, track)
    expect(element.suggestions).to_have_accessible_name(
        "Électronique\u00a0; sous-genre indéterminé correspond très bien 0,75"
    )
    play = element.button("Écouter Électronique, repéré à 1:02–1:15")
    expect(play).to_be_visible()
    element.suggestions.click()
    has_text(element, "1 choisi sur 3")
    assert element.value == ["electronic"]


def test_french_plurals(embed: Embed, given: dict, track: Path) -> None:
    element = embed(FRENCH)
    for count, words in ((1, "1 tag suggéré."), (2, "2 tags suggérés."), (0, "Aucun tag")):
        suggestions = given["suggestions"][:count]
        fulfill(element.page, json={**given, "confidence": "high", "suggestions": suggestions})
        choose(element, track)
        assert words in element.root.evaluate(ANNOUNCED)


def test_labels_are_completed_in_french(embed: Embed) -> None:
    element = embed(FRENCH)
    element.root.locator("#own").fill("electronique")
    element.completions.get_by_text("Électronique", exact=True).click()
    assert element.value == ["electronic"]


def test_the_taggram_is_in_french(embed: Embed, track: Path) -> None:
    element = embed(FRENCH)
    choose(element, track)
    element.button("Afficher l’évolution des tags au fil du morceau").click()
    view = element.root.locator("taggram-view")
    expect(view.locator("[part=read-out]")).to_contain_text(re.compile(r"score \d,\d\d"))
    expect(view.get_by_role("combobox", name="Tags")).to_contain_text("sous-genres")
    expect(view.get_by_role("application", name="Tags au fil du temps")).to_be_visible()
    element.page.evaluate("document.querySelector('tag-suggest').lang = 'en'")
    expect(view.locator("[part=read-out]")).to_contain_text(re.compile(r"score \d\.\d\d"))
    expect(view.get_by_role("button", name="Copy link")).to_be_visible()


def test_a_refusal_is_in_french(embed: Embed, console_errors: ConsoleErrors) -> None:
    console_errors.expect("ERR_REQUEST_RANGE_NOT_SATISFIABLE")
    element = embed(FRENCH)
    file = {"name": "vide.mp3", "mimeType": "audio/mpeg", "buffer": b""}
    element.root.locator("input[type=file]").set_input_files(file)
    expect(element.alert).to_contain_text("Ce fichier est vide")


def test_texts_of_the_host_override_those_of_the_element(embed: Embed) -> None:
    element = embed(FIELD.format('lang="de"'))
    words = {"choose": "Wähle ein Stück", "chosen": {"one": "{count} Tag", "other": "{count} Tags"}}
    element.root.evaluate("(element, words) => { element.words = words; }", words)
    has_text(element, "Wähle ein Stück")
    has_text(element, "0 Tags")
    element.add("eins")
    has_text(element, "1 Tag")
    expect(element.root.get_by_role("button", name="Add")).to_be_visible()


def test_texts_of_the_host_may_be_set_before_the_element_loads(embed: Embed, page: Page) -> None:
    page.add_init_script(
        "addEventListener('readystatechange', () => {"
        "  for (const element of document.querySelectorAll('tag-suggest'))"
        "    element.words ??= { choose: 'Pick a song' };"
        "}, { capture: true, once: true });"
    )
    has_text(embed(FIELD.format("")), "Pick a song")
