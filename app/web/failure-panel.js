/** What went wrong, what to do, and the buttons to do it with. */

import { button, el } from "./dom.js";
import { failure } from "./words.js";

export class FailurePanel {
  #title = el("p", { className: "title" });
  #advice = el("p", { className: "muted" });
  #words = el("div", { className: "failure-words", role: "alert" });
  #retry;
  #another;
  #timer = 0;

  element;

  /**
   * @param {() => void} retry Do the same again.
   * @param {() => void} another Choose another track.
   */
  constructor(retry, another) {
    this.#retry = button("strong", () => this.#retry.ariaDisabled !== "true" && retry());
    this.#another = button("quiet", another, "Choose another track");
    this.element = el(
      "div",
      { className: "failure", part: "failure" },
      this.#words,
      el("div", { className: "actions" }, this.#retry, this.#another),
    );
  }

  /**
   * @param {import("./refusal.js").Refusal} refusal
   * @param {object|null} limits
   */
  show(refusal, limits) {
    const { title, advice, canRetry } = failure(refusal, limits);
    this.element.classList.toggle("calm", refusal.kind === "cancelled");
    this.#title.textContent = title;
    this.#advice.textContent = advice;
    this.#words.replaceChildren(this.#title, this.#advice);
    this.#retry.hidden = !canRetry;
    this.#countDown(refusal.retryAfterS ?? 0);
  }

  /** Leave nothing to be read out, and no clock. */
  clear() {
    clearTimeout(this.#timer);
    this.#words.replaceChildren();
  }

  focus() {
    (this.#retry.hidden ? this.#another : this.#retry).focus();
  }

  #countDown(seconds) {
    clearTimeout(this.#timer);
    this.#retry.ariaDisabled = seconds > 0;
    this.#retry.textContent = seconds > 0 ? `Try again in ${seconds} s` : "Try again";
    if (seconds > 0) this.#timer = setTimeout(() => this.#countDown(seconds - 1), 1000);
  }
}
