/** What the service suggests, to be chosen or not, each with the stretch that speaks for it. */

import { ICONS, button, el, icon } from "./dom.js";
import { clock, score, strength } from "./words.js";

/** Events: `toggle` with the tag as its `detail`. */
export class Suggestions extends EventTarget {
  element = el("ul", { className: "suggestions", part: "suggestions", role: "list" });
  #player;
  #rows = [];

  /** @param {import("./player.js").Player} player */
  constructor(player) {
    super();
    this.#player = player;
    player.addEventListener("state", () => this.#updatePlay());
    player.addEventListener("time", () => this.#updatePlay());
  }

  /** @param {{tag: string, score: number, heard_at: {start_s: number, end_s: number}[]}[]} tags */
  show(tags) {
    this.#rows = tags.map((suggestion) => this.#row(suggestion, tags[0].score));
    this.element.replaceChildren(...this.#rows.map(({ item }) => item));
  }

  /** @param {import("./choice.js").Choice} choice */
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
      verb.textContent = `${isOn() ? "Stop" : "Play"} ${tag}, `;
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
