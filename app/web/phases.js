/** The parts for choosing a track, for its progress and for failures. */

import { ICONS, button, el, icon, textButton } from "./dom.js";

const SETTLED_S = 0.5;
const BARS = 5;

/** Lets the artist choose a track or several, in a dialog or by dropping them. */
export class DropZone {
  #words;
  #hint = el("span", { className: "hint", id: "formats" });
  #choose = el("span", { className: "title" });
  #drop = el("span", { className: "muted" });
  #input = el("input", {
    id: "file",
    type: "file",
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
      this.#choose,
      this.#drop,
      this.#hint,
    ),
  );

  /**
   * @param {HTMLElement} target The area for dropping files, which is larger than the zone.
   * @param {function} take Called with the chosen files, at least one.
   */
  constructor(words, target, take) {
    this.#words = words;
    this.#input.addEventListener("change", () => {
      const files = [...this.#input.files];
      this.#input.value = ""; // the same file can be chosen again
      if (files.length) take(files);
    });
    target.addEventListener("dragover", (event) => this.#dragged(event, target));
    target.addEventListener("dragleave", (event) => {
      if (!target.contains(event.relatedTarget)) target.classList.remove("dragged");
    });
    target.addEventListener("drop", (event) => {
      target.classList.remove("dragged");
      const files = [...event.dataTransfer.files];
      if (!files.length || this.#input.matches(":disabled")) return;
      event.preventDefault();
      take(files);
    });
    this.isMultiple = false;
  }

  /** Whether several tracks can be chosen; the texts appear at the next translation. */
  set isMultiple(isMultiple) {
    this.#input.multiple = isMultiple;
    this.#choose.dataset.say = isMultiple ? "choose_tracks" : "choose";
    this.#drop.dataset.say = isMultiple ? "drop_tracks" : "drop";
  }

  /** Show the limits of `GET /limits`. */
  show({ formats, max_bytes: most, pooled }) {
    this.#input.accept = ["audio/*", ...formats.flatMap(({ extensions }) => extensions)].join();
    this.#hint.textContent = this.#words.say(this.#input.multiple ? "formats_each" : "formats", {
      formats: this.#words.formats(formats),
      size: this.#words.bytes(most, Math.floor),
      count: pooled.max_files,
    });
  }

  open() {
    this.#input.click();
  }

  focus() {
    this.#input.focus();
  }

  #dragged(event, target) {
    if (this.#input.matches(":disabled") || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    target.classList.add("dragged");
  }
}

export class Progress {
  #words;
  #bar = el("div", { className: "bar", part: "bar", role: "progressbar" });
  #bars = el(
    "div",
    { className: "bars", "aria-hidden": "true" },
    ...Array.from({ length: BARS }, () => el("i")),
  );
  #status = el("p", { className: "status" });
  #detail = el("span", { className: "muted" });

  cancelButton;
  element;

  constructor(words, cancel) {
    this.#words = words;
    this.cancelButton = textButton("quiet", cancel, "cancel");
    this.element = el(
      "div",
      { className: "progress", part: "progress" },
      this.#bars,
      el("div", { className: "progress-words" }, this.#status, this.#detail),
      this.cancelButton,
      this.#bar,
    );
  }

  show({ phase, files, loaded, total, begun }) {
    const isSending = phase === "sending";
    const share = total ? loaded / total : 0;
    this.#bar.hidden = !isSending;
    this.#bars.hidden = isSending;
    this.#bar.ariaLabel = this.#words.sending(files);
    this.#bar.ariaValueNow = String(Math.round(share * 100));
    this.#bar.style.setProperty("--share", share);
    this.#status.textContent = this.#words.say(isSending ? "sending" : "analysing");
    const spentS = (performance.now() - begun) / 1000;
    const leftS = spentS > SETTLED_S && share ? (spentS / share) * (1 - share) : null;
    this.#detail.textContent = isSending ? this.#sent(loaded, total, leftS) : "";
  }

  #sent(loaded, total, leftS) {
    const words = this.#words;
    return words.say(leftS === null ? "sent" : leftS < 2 ? "sent_nearly" : "sent_time", {
      sent: words.bytes(loaded),
      total: words.bytes(total),
      time:
        leftS < 90
          ? words.measure(Math.round(leftS), "second")
          : words.measure(Math.round(leftS / 60), "minute"),
    });
  }
}

export class FailurePanel {
  #words;
  #message = el("div", { className: "failure-words", role: "alert" });
  #retry;
  #another;
  #timer = 0;

  element;

  constructor(words, retry, another) {
    this.#words = words;
    this.#retry = button("strong", () => this.#retry.ariaDisabled !== "true" && retry());
    this.#another = textButton("quiet", another, "choose_another");
    this.element = el(
      "div",
      { className: "failure", part: "failure" },
      this.#message,
      el("div", { className: "actions" }, this.#retry, this.#another),
    );
  }

  /** Whether it concerns several tracks; the texts appear at the next translation. */
  set isMultiple(isMultiple) {
    this.#another.dataset.say = isMultiple ? "add_tracks" : "choose_another";
  }

  show(refusal, limits) {
    const { title, advice, canRetry } = this.#words.failure(refusal, limits);
    this.element.classList.toggle("calm", refusal.kind === "cancelled");
    this.#message.replaceChildren(
      el("p", { className: "title" }, title),
      el("p", { className: "muted" }, advice),
    );
    this.#retry.hidden = !canRetry;
    this.#countDown(refusal);
  }

  /** Stop the countdown, and clear the text for screen readers. */
  clear() {
    clearTimeout(this.#timer);
    this.#message.replaceChildren();
  }

  focus() {
    (this.#retry.hidden ? this.#another : this.#retry).focus();
  }

  #countDown(refusal) {
    clearTimeout(this.#timer);
    const isEarly = refusal.retryAfterS > 0;
    const time = this.#words.measure(refusal.retryAfterS, "second");
    this.#retry.ariaDisabled = isEarly;
    this.#retry.textContent = this.#words.say(isEarly ? "try_again_in" : "try_again", { time });
    if (!isEarly) return;
    this.#timer = setTimeout(() => {
      refusal.retryAfterS -= 1;
      this.#countDown(refusal);
    }, 1000);
  }
}
