/** Where a track is chosen or dropped. */

import { ICONS, el, icon } from "./dom.js";
import { either, mostBytes } from "./words.js";

/** Events: `file` with a File as its `detail`. */
export class DropZone extends EventTarget {
  #hint = el("span", { className: "hint", id: "formats" });
  #input = el("input", {
    id: "file",
    type: "file",
    accept: "audio/*",
    className: "visually-hidden",
    "aria-describedby": "formats",
  });

  element = el(
    "div",
    { className: "drop-zone" },
    this.#input,
    el(
      "label",
      { htmlFor: "file", className: "drop", part: "drop" },
      icon(ICONS.wave),
      el("span", { className: "title" }, "Choose a track"),
      el("span", { className: "muted" }, "or drop it here"),
      this.#hint,
    ),
  );

  /** @param {HTMLElement} target What takes drops: more than the zone, so that none misses it. */
  constructor(target) {
    super();
    this.#input.addEventListener("change", () => {
      const [file] = this.#input.files;
      this.#input.value = ""; // so that the same file can be chosen again
      if (file) this.#give(file);
    });
    target.addEventListener("dragover", (event) => this.#dragged(event, target));
    target.addEventListener("dragleave", (event) => {
      if (!target.contains(event.relatedTarget)) target.classList.remove("dragged");
    });
    target.addEventListener("drop", (event) => this.#dropped(event, target));
  }

  /** @param {{max_bytes: number, formats: object[]}} limits */
  set limits({ max_bytes: maxBytes, formats }) {
    this.#hint.textContent = `${either(formats.map(({ name }) => name))}, up to ${mostBytes(maxBytes)}`;
    this.#input.accept = ["audio/*", ...formats.flatMap(({ extensions }) => extensions)].join();
  }

  /** Let the artist choose. */
  open() {
    this.#input.click();
  }

  focus() {
    this.#input.focus();
  }

  #give(file) {
    this.dispatchEvent(new CustomEvent("file", { detail: file }));
  }

  #dragged(event, target) {
    if (this.#input.matches(":disabled") || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    target.classList.add("dragged");
  }

  #dropped(event, target) {
    target.classList.remove("dragged");
    if (this.#input.matches(":disabled")) return;
    const [file] = event.dataTransfer.files;
    if (!file) return;
    event.preventDefault();
    this.#give(file);
  }
}
