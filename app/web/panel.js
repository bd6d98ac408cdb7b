/** What the artist sees: one part for each phase, and always a place for words of their own. */

import { OwnTags, Suggestions } from "./chips.js";
import { ICONS, button, el, icon } from "./dom.js";
import { DropZone, FailurePanel, Progress } from "./phases.js";
import { folded } from "./state.js";
import { ANALYSING, NOT_SURE, bytes, clock } from "./words.js";

/** Events: `file` with a File, `toggle` with a tag, `add` with words, `cancel`, `retry`, `view`. */
export class Panel extends EventTarget {
  #frame = el("fieldset", { className: "frame", part: "frame" });
  #drops = new DropZone(this.#frame);
  #progress = new Progress(() => this.#tell("cancel"));
  #failure = new FailurePanel(
    () => this.#tell("retry"),
    () => this.#drops.open(),
  );
  #trackName = el("p", { className: "track-name" });
  #trackFacts = el("p", { className: "muted" });
  #another = button("quiet", () => this.#drops.open(), "Choose another track");
  #track = el(
    "div",
    { className: "track", part: "track" },
    icon(ICONS.wave),
    el("div", { className: "track-words" }, this.#trackName, this.#trackFacts),
    this.#another,
  );
  #heading = el("h3", { className: "title", tabIndex: -1 }, "What we hear");
  #notSure = el(
    "div",
    { className: "not-sure", part: "not-sure" },
    el("p", { className: "title" }, NOT_SURE.title),
    el("p", { className: "muted" }, NOT_SURE.advice),
  );
  #unplayable = el("p", { className: "muted", hidden: true }, "This browser can’t play the file here.");
  #suggestions;
  #answer;
  #own = new OwnTags();
  #count = el("p", { className: "muted count", id: "hint" });
  #viewWords = el("span");
  #viewButton = button("link", () => this.#tell("view"), icon(ICONS.more), this.#viewWords);
  #view = el("div", { className: "view" });
  #live = el("p", { className: "visually-hidden", ariaLive: "polite" });

  /** What stands in the shadow root. */
  elements = [this.#frame, this.#live];

  constructor(player) {
    super();
    this.#suggestions = new Suggestions(player);
    this.#answer = el(
      "section",
      { className: "answer" },
      this.#heading,
      this.#notSure,
      this.#suggestions.element,
      this.#unplayable,
    );
    this.#frame.append(
      this.#drops.element,
      this.#track,
      this.#progress.element,
      this.#failure.element,
      this.#answer,
      this.#viewButton,
      this.#view,
      this.#own.element,
      this.#count,
    );
    this.#pass(this.#drops, "file");
    this.#pass(this.#suggestions, "toggle");
    this.#pass(this.#own, "toggle");
    this.#pass(this.#own, "add");
    player.addEventListener("state", () => (this.#unplayable.hidden = !player.hasFailed));
    this.showView(null);
  }

  /** What a browser points at where the form can't be sent yet. */
  get anchor() {
    return this.#own.input;
  }

  set isDisabled(isDisabled) {
    this.#frame.disabled = isDisabled;
  }

  set limits(limits) {
    this.#drops.limits = limits;
  }

  set vocabulary(words) {
    this.#own.vocabulary = words;
  }

  /**
   * Show a phase, and keep the focus in sight where it was in here.
   */
  show({ phase, file, answer, refusal }, limits) {
    const root = this.#frame.getRootNode();
    const hadFocus = root.activeElement !== null && root.activeElement !== this.#own.input;
    const isBusy = phase === "sending" || phase === "analysing";
    this.#drops.element.hidden = file !== null;
    this.#track.hidden = file === null;
    this.#another.hidden = answer === null;
    this.#progress.element.hidden = !isBusy;
    this.#failure.element.hidden = refusal === null;
    this.#answer.hidden = answer === null;
    this.#viewButton.hidden = answer === null;
    if (file) this.#describe(file, answer);
    if (phase === "sending") this.#progress.begin(file);
    if (phase === "analysing") this.#progress.sentAll();
    if (answer) this.#showAnswer(answer);
    if (refusal) this.#failure.show(refusal, limits);
    else this.#failure.clear();
    this.#announce(announcement(phase, file, answer));
    if (hadFocus) this.#place(phase, file, root);
  }

  /** Let the artist choose a file. */
  openChooser() {
    this.#drops.open();
  }

  sent({ loaded, total }) {
    this.#progress.sent(loaded, total);
  }

  choose(choice, suggested) {
    const known = new Set(suggested.map(folded));
    const own = choice.tags.filter((tag) => !known.has(folded(tag)));
    this.#suggestions.update(choice);
    this.#own.show(own);
    this.#count.textContent = `${choice.tags.length} of ${choice.max} chosen`;
    this.#count.classList.remove("warning");
  }

  /** Say that no more can be chosen. */
  refuse({ max }) {
    const words = `That makes more than ${max}. Remove one first.`;
    this.#count.textContent = words;
    this.#count.classList.add("warning");
    this.#announce(words);
  }

  /** Forget what was typed, as it is taken. */
  clearTyped() {
    this.#own.clear();
  }

  /** @param {Element|string|null} view The taggram view, or why there is none; null hides it. */
  showView(view) {
    this.#view.replaceChildren(...(view ? [view] : []));
    this.#view.hidden = view === null;
    this.#viewButton.ariaExpanded = view !== null;
    this.#viewWords.textContent = `${view ? "Hide" : "Show"} how tags move through the song`;
  }

  #describe(file, answer) {
    this.#trackName.textContent = file.name;
    this.#trackFacts.textContent = [
      ...(answer ? [clock(answer.duration_s)] : []),
      bytes(file.size),
    ].join(" · ");
  }

  #showAnswer({ confidence, suggestions }) {
    this.#notSure.hidden = confidence !== "low";
    this.#suggestions.show(suggestions);
  }

  #place(phase, file, root) {
    if (phase === "sending") this.#progress.cancelButton.focus();
    else if (phase === "answered") this.#heading.focus();
    else if (phase === "refused") this.#failure.focus();
    else if (file === null && !root.activeElement) this.#drops.focus();
  }

  #announce(words) {
    if (words) this.#live.textContent = words;
  }

  #pass(part, name) {
    part.addEventListener(name, ({ detail }) => this.#tell(name, detail));
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function announcement(phase, file, answer) {
  if (phase === "sending") return `Sending ${file.name}`;
  if (phase === "analysing") return ANALYSING;
  if (phase !== "answered") return "";
  const count = answer.suggestions.length;
  const words = `${count} ${count === 1 ? "tag" : "tags"} suggested.`;
  return answer.confidence === "low" ? `${NOT_SURE.title}. ${words}` : words;
}
