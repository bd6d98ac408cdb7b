/** Tags to choose: those that are suggested, and words of the artist's own. */

import { ICONS, button, el, icon } from "./dom.js";
import { clock, score, strength } from "./words.js";

const MOST_OPTIONS = 8;
const MOST_LETTERS = 100;

/** What the service suggests, with the stretch that speaks for it. Events: `toggle` with a tag. */
export class Suggestions extends EventTarget {
  element = el("ul", { className: "suggestions", part: "suggestions", role: "list" });
  #player;
  #rows = [];

  constructor(player) {
    super();
    this.#player = player;
    player.addEventListener("state", () => this.#updatePlay());
    player.addEventListener("time", () => this.#updatePlay());
  }

  show(tags) {
    this.#rows = tags.map((suggestion) => this.#row(suggestion, tags[0].score));
    this.element.replaceChildren(...this.#rows.map(({ item }) => item));
  }

  update(choice) {
    for (const { tag, toggle } of this.#rows) {
      const isChosen = choice.has(tag);
      toggle.ariaPressed = isChosen;
      toggle.part.toggle("suggestion-chosen", isChosen);
      toggle.ariaDisabled = choice.isFull && !isChosen;
    }
  }

  #row({ tag, score: value, heard_at: [stretch] }, best) {
    const meter = el("span", { className: "meter" });
    meter.style.setProperty("--score", value);
    const toggle = el(
      "button",
      {
        type: "button",
        className: "suggestion",
        part: "suggestion",
        onclick: () => this.dispatchEvent(new CustomEvent("toggle", { detail: tag })),
      },
      el("span", { className: "tick" }, icon(ICONS.check)),
      el("span", { className: "tag" }, tag),
      " ",
      el("span", { className: "strength" }, `${strength(value, best)} `),
      el("span", { className: "score" }, score(value)),
      meter,
    );
    const play = stretch && this.#playButton(tag, stretch);
    const item = el("li", {}, toggle, ...(play ? [play.element] : []));
    return { tag, item, toggle, play };
  }

  #playButton(tag, { start_s: startS, end_s: endS }) {
    const verb = el("span", { className: "visually-hidden" });
    const shapes = { play: icon(ICONS.play), stop: icon(ICONS.stop) };
    const element = button(
      "stretch",
      () => (isOn() ? this.#player.pause() : this.#player.play(startS, endS)),
      verb,
      shapes.play,
      shapes.stop,
      el("span", {}, `heard at ${clock(startS)}–${clock(endS)}`),
    );
    const isOn = () =>
      this.#player.isPlaying && this.#player.currentS >= startS && this.#player.currentS < endS;
    const update = () => {
      element.hidden = !this.#player.isLoaded;
      const words = `${isOn() ? "Stop" : "Play"} ${tag}, `;
      if (verb.textContent === words) return; // it is asked at each frame
      verb.textContent = words;
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

/**
 * Words of the artist's own, completed from the vocabulary (ARIA's combobox with a list). Events:
 * `add` with the words, `toggle` with a tag that is taken back.
 */
export class OwnTags extends EventTarget {
  #options = el("ul", { id: "options", role: "listbox", className: "options", part: "options" });
  #chosen = el("ul", { className: "own-tags", role: "list" });
  #words = [];
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
    el("label", { htmlFor: "own", className: "title" }, "Add your own"),
    this.#chosen,
    el(
      "div",
      { className: "own-entry" },
      this.input,
      button("quiet", () => this.#add(this.input.value), "Add"),
      this.#options,
    ),
  );

  constructor() {
    super();
    this.#options.ariaLabel = "Matching words";
    this.#options.hidden = true;
    this.input.addEventListener("input", () => this.#complete());
    this.input.addEventListener("keydown", (event) => this.#pressed(event));
    this.input.addEventListener("blur", () => this.#close());
    // The field must keep the focus, or its list would be gone before the click is.
    this.#options.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  set vocabulary(words) {
    this.#words = words;
  }

  show(tags) {
    this.#chosen.hidden = tags.length === 0;
    this.#chosen.replaceChildren(...tags.map((tag) => el("li", {}, this.#token(tag))));
  }

  /** Forget what was typed. */
  clear() {
    this.input.value = "";
    this.#close();
  }

  #token(tag) {
    const remove = button(
      "token",
      () => {
        this.dispatchEvent(new CustomEvent("toggle", { detail: tag }));
        this.input.focus();
      },
      el("span", { className: "visually-hidden" }, "Remove "),
      tag,
      icon(ICONS.close),
    );
    remove.part.add("own-tag");
    return remove;
  }

  #add(text) {
    const words = text.split(/[,;]/).map((word) => word.trim().replace(/\s+/g, " "));
    this.#close();
    this.dispatchEvent(new CustomEvent("add", { detail: words.filter(Boolean) }));
  }

  #complete() {
    const typed = this.input.value.trim().toLowerCase();
    const matching = this.#words.filter((word) => word.toLowerCase().includes(typed));
    const begins = (word) => word.toLowerCase().startsWith(typed);
    const found = typed
      ? [...matching.filter(begins), ...matching.filter((word) => !begins(word))]
      : [];
    this.#active = -1;
    this.#options.replaceChildren(
      ...found.slice(0, MOST_OPTIONS).map((word, index) =>
        el("li", { id: `option-${index}`, role: "option", onclick: () => this.#add(word) }, word),
      ),
    );
    this.#show();
  }

  #pressed(event) {
    const count = this.#options.hidden ? 0 : this.#options.children.length;
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.#add(this.#options.children[this.#active]?.textContent ?? this.input.value);
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
