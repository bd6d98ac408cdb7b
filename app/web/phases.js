/** What stands where the track is: a place to drop it, its progress, what went wrong. */

import { ICONS, button, el, icon } from "./dom.js";
import { ANALYSING, bytes, either, failure, mostBytes, timeLeft } from "./words.js";

const SETTLED_S = 0.5;
const BARS = 5;

/** Where a track is chosen or dropped. Events: `file` with a File as its `detail`. */
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

/** An upload under way, and the service at work on it. */
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

  constructor(cancel) {
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

  /** All is sent: the service is at work. */
  sentAll() {
    this.#bar.hidden = true;
    this.#bars.hidden = false;
    this.#detail.textContent = "";
    this.#status.textContent = ANALYSING;
  }
}

/** What went wrong, what to do, and the buttons to do it with. */
export class FailurePanel {
  #title = el("p", { className: "title" });
  #advice = el("p", { className: "muted" });
  #words = el("div", { className: "failure-words", role: "alert" });
  #retry;
  #another;
  #timer = 0;

  element;

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
