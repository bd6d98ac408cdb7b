/** Tags to choose: suggested tags, and tags that the artist adds. */

import { ICONS, button, el, icon, textButton } from "./dom.js";

const MOST_OPTIONS = 8;
const MOST_LETTERS = 100;

/**
 * The word for a score, by the lowest score of its range. Of the first five tags of 409 labelled
 * excerpts, 17 % are plausible below .5, 28 % from .5, 38 % from .6 and 61 % from .7 on; whole songs
 * rarely reach .75.
 */
const STRENGTHS = [
  [0.7, "strong"],
  [0.6, "good"],
  [0.5, "fair"],
  [0, "faint"],
];

/** The suggested tags, each with a part of the track that supports it. */
export class Suggestions {
  element = el("ul", { className: "suggestions", part: "suggestions", role: "list" });
  #words;
  #vocabulary;
  #player;
  #toggle;
  #rows = [];

  constructor(words, vocabulary, player, toggle) {
    this.#words = words;
    this.#vocabulary = vocabulary;
    this.#player = player;
    this.#toggle = toggle;
    player.addEventListener("state", () => this.#updatePlay());
    player.addEventListener("time", () => this.#updatePlay());
  }

  /** Show an answer; with low confidence, no suggestion is called a match. */
  show({ confidence, suggestions }) {
    this.#rows = suggestions.map((suggestion) => this.#row(suggestion, confidence !== "low"));
    this.element.replaceChildren(...this.#rows.map(({ item }) => item));
    this.element.hidden = suggestions.length === 0;
  }

  update(choice) {
    for (const { tag, toggle } of this.#rows) {
      const isChosen = choice.has(tag);
      toggle.ariaPressed = isChosen;
      toggle.part.toggle("suggestion-chosen", isChosen);
      toggle.ariaDisabled = choice.isFull && !isChosen;
    }
  }

  #row({ tag, level, score, heard_at: [stretch] = [] }, isSure) {
    const words = this.#words;
    const label = this.#vocabulary.label(tag);
    const meter = el("span", { className: "meter" });
    meter.style.setProperty("--score", score);
    const note = level === "genre" ? words.say("no_subgenre") : "";
    const strength = isSure ? words.say(STRENGTHS.find(([from]) => score >= from)[1]) : "";
    const toggle = el(
      "button",
      {
        type: "button",
        className: "suggestion",
        part: "suggestion",
        onclick: () => this.#toggle(tag),
      },
      el("span", { className: "tick" }, icon(ICONS.check)),
      el(
        "span",
        { className: "suggestion-words" },
        el(
          "span",
          {},
          el("span", { className: "tag" }, label),
          el("span", { className: "note" }, note),
        ),
        " ",
        el("span", { className: "strength" }, `${strength} `),
      ),
      el("span", { className: "score" }, words.score(score)),
      meter,
    );
    const play = stretch && this.#playButton(label, stretch);
    const item = el("li", {}, toggle, ...(play ? [play.element] : []));
    return { tag, item, toggle, play };
  }

  #playButton(tag, { start_s: startS, end_s: endS }) {
    const words = this.#words;
    const verb = el("span", { className: "visually-hidden" });
    const shapes = { play: icon(ICONS.play), stop: icon(ICONS.stop) };
    const moment = words.say("found_at", { start: words.clock(startS), end: words.clock(endS) });
    const element = button(
      "stretch",
      () => (isOn() ? this.#player.pause() : this.#player.play(startS, endS)),
      verb,
      shapes.play,
      shapes.stop,
      el("span", {}, moment),
    );
    const isOn = () =>
      this.#player.isPlaying && this.#player.currentS >= startS && this.#player.currentS < endS;
    const update = () => {
      element.hidden = !this.#player.isLoaded;
      const text = words.say(isOn() ? "stop_tag" : "play_tag", { tag });
      if (verb.textContent === text) return; // called at each frame
      verb.textContent = text;
      shapes.play.classList.toggle("hidden", isOn());
      shapes.stop.classList.toggle("hidden", !isOn());
    };
    update();
    return { element, update };
  }

  #updatePlay() {
    for (const { play } of this.#rows) play?.update();
  }
}

/** A field for further tags, with completion from the vocabulary (ARIA combobox with a listbox). */
export class OwnTags {
  #options = el("ul", {
    id: "options",
    role: "listbox",
    className: "options",
    part: "options",
    "data-label": "matching",
  });
  #chosen = el("ul", { className: "own-tags", role: "list" });
  #words;
  #vocabulary;
  #on;
  #active = -1;

  input = el("input", {
    id: "own",
    type: "text",
    part: "input",
    maxLength: MOST_LETTERS,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: false,
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-controls": "options",
    "aria-expanded": "false",
    "aria-describedby": "hint",
  });

  element = el(
    "div",
    { className: "own" },
    el("label", { htmlFor: "own", className: "title", "data-say": "own" }),
    this.#chosen,
    el(
      "div",
      { className: "own-entry" },
      this.input,
      textButton("quiet", () => this.#add(this.input.value), "add"),
      this.#options,
    ),
  );

  /** @param {object} on `add(tags)` and `toggle(tag)`. */
  constructor(words, vocabulary, on) {
    this.#words = words;
    this.#vocabulary = vocabulary;
    this.#on = on;
    this.#options.hidden = true;
    this.input.addEventListener("input", () => this.#complete());
    this.input.addEventListener("keydown", (event) => this.#pressed(event));
    this.input.addEventListener("blur", () => this.#close());
    // The field must keep the focus: otherwise the list closes before the click.
    this.#options.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** Show the chosen tags and the completions. */
  show(tags) {
    if (!this.#options.hidden) this.#complete();
    this.#chosen.hidden = tags.length === 0;
    this.#chosen.replaceChildren(...tags.map((tag) => el("li", {}, this.#token(tag))));
  }

  clear() {
    this.input.value = "";
    this.#close();
  }

  #token(tag) {
    const label = this.#vocabulary.label(tag);
    const remove = button(
      "token",
      () => {
        this.#on.toggle(tag);
        this.input.focus();
      },
      label,
      icon(ICONS.close),
    );
    remove.ariaLabel = this.#words.say("remove", { tag: label });
    remove.part.add("own-tag");
    return remove;
  }

  #add(text) {
    const words = text.split(/[,;]/).map((word) => word.trim().replace(/\s+/g, " "));
    this.#give(words.filter(Boolean).map((word) => this.#vocabulary.find(word)));
  }

  #give(tags) {
    this.#close();
    this.#on.add(tags);
  }

  #complete() {
    const found = this.#vocabulary.complete(this.input.value);
    this.#active = -1;
    this.#options.replaceChildren(
      ...found.slice(0, MOST_OPTIONS).map((tag, index) =>
        el(
          "li",
          { id: `option-${index}`, role: "option", onclick: () => this.#give([tag]) },
          this.#vocabulary.label(tag),
        ),
      ),
    );
    this.#show();
  }

  #pressed(event) {
    const count = this.#options.hidden ? 0 : this.#options.children.length;
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      const option = this.#options.children[this.#active];
      if (option) option.click();
      else this.#add(this.input.value);
    } else if (event.key === "Escape" && count) {
      event.stopPropagation(); // it closes the list, not the host's dialog
      this.#close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!count) return this.#complete();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#active = this.#active < 0 && step < 0 ? count - 1 : (this.#active + step + count) % count;
      this.#show();
    }
  }

  #close() {
    this.#options.replaceChildren();
    this.#active = -1;
    this.#show();
  }

  #show() {
    const options = [...this.#options.children];
    this.#options.hidden = options.length === 0;
    this.input.ariaExpanded = options.length > 0;
    options.forEach((option, index) => (option.ariaSelected = index === this.#active));
    const active = options[this.#active];
    if (active) {
      this.input.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }
}
