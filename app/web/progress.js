/** An upload under way, and the service at work on it. */

import { button, el } from "./dom.js";
import { STAGES, bytes, timeLeft } from "./words.js";

const SETTLED_S = 0.5;
const BARS = 5;

export class Progress {
  #bar = el("div", { className: "bar", part: "bar", role: "progressbar" });
  #bars = el(
    "div",
    { className: "bars", "aria-hidden": "true" },
    ...Array.from({ length: BARS }, () => el("i")),
  );
  #status = el("p", { className: "status" });
  #detail = el("span", { className: "muted" });
  #begun = 0;

  cancelButton;
  element;

  /** @param {() => void} cancel */
  constructor(cancel) {
    this.#bar.ariaValueMin = "0";
    this.#bar.ariaValueMax = "100";
    this.cancelButton = button("quiet", cancel, "Cancel");
    this.element = el(
      "div",
      { className: "progress", part: "progress" },
      this.#bars,
      el("div", { className: "progress-words" }, this.#status, this.#detail),
      this.cancelButton,
      this.#bar,
    );
  }

  /** @param {File} file Which begins to be sent. */
  begin(file) {
    this.#begun = performance.now();
    this.#bar.ariaLabel = `Sending ${file.name}`;
    this.#bar.hidden = false;
    this.#bars.hidden = true;
    this.#status.textContent = "Sending";
    this.sent(0, file.size);
  }

  /** So many bytes are on their way. */
  sent(loaded, total) {
    const share = total ? loaded / total : 0;
    const seconds = (performance.now() - this.#begun) / 1000;
    this.#bar.ariaValueNow = String(Math.round(share * 100));
    this.#bar.style.setProperty("--share", share);
    this.#detail.textContent =
      `${bytes(loaded)} of ${bytes(total)}` +
      (seconds > SETTLED_S && share ? `, ${timeLeft((seconds / share) * (1 - share))}` : "");
  }

  /** @param {string} stage What the service does, by its own name. */
  listening(stage) {
    this.#bar.hidden = true;
    this.#bars.hidden = false;
    this.#detail.textContent = "";
    this.#status.textContent = STAGES[stage] ?? STAGES.infer;
  }
}
