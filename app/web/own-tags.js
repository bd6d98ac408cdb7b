/** Words of the artist's own, completed from the vocabulary (ARIA's combobox with a list). */

import { ICONS, button, el, icon } from "./dom.js";

const MOST_OPTIONS = 8;
const MOST_LETTERS = 100;

/** Events: `add` with the words, `toggle` with a tag that is taken back, as their `detail`. */
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
    el("label", { htmlFor: "own" }, "Add your own"),
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

  /** @param {string[]} words What can be completed. */
  set vocabulary(words) {
    this.#words = words;
  }

  /** @param {string[]} tags The chosen ones that nobody suggested. */
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
