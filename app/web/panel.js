/** The user interface: a part for each phase, and a field for further tags. */

import { OwnTags, Suggestions } from "./chips.js";
import { ICONS, button, el, icon, textButton } from "./dom.js";
import { DropZone, FailurePanel, Progress } from "./phases.js";
import { folded } from "./state.js";
import { TrackList } from "./track-list.js";

export class Panel {
  #words;
  #drops;
  #progress;
  #failure;
  #suggestions;
  #own;
  #answer;
  #frame = el("fieldset", { className: "frame", part: "frame", hidden: true });
  #trackName = el("p", { className: "track-name" });
  #trackFacts = el("p", { className: "muted" });
  #another = textButton("quiet", () => this.#drops.open(), "choose_another");
  #tracks;
  #track = el(
    "div",
    { className: "track", part: "track" },
    icon(ICONS.wave),
    el("div", { className: "track-words" }, this.#trackName, this.#trackFacts),
    this.#another,
  );
  #heading = el("h3", { className: "title", tabIndex: -1, "data-say": "suggestions" });
  #doubt = el("p", { className: "title" });
  #advice = el("p", { className: "muted" });
  #doubts = el("div", { className: "not-sure", part: "not-sure" }, this.#doubt, this.#advice);
  #pooled = el("p", { className: "muted" });
  #unplayable = el("p", { className: "muted", hidden: true, "data-say": "unplayable" });
  #count = el("p", { className: "muted count", id: "hint" });
  #viewWords = el("span");
  #viewButton;
  #view = el("div", { className: "view" });
  #live = el("p", { className: "visually-hidden", ariaLive: "polite" });

  elements = [this.#frame, this.#live];

  /**
   * @param {object} on `files(files)`, `toggle(tag)`, `add(tags)`, `cancel()`, `retry()`, `view()`; of
   *   several tracks `remove(track)`.
   */
  constructor(words, vocabulary, player, on) {
    this.#words = words;
    this.#drops = new DropZone(words, this.#frame, on.files);
    this.#progress = new Progress(words, on.cancel);
    this.#failure = new FailurePanel(words, on.retry, () => this.#drops.open());
    this.#tracks = new TrackList(words, vocabulary, {
      remove: on.remove,
      analyse: on.retry,
      add: () => this.#drops.open(),
    });
    this.#suggestions = new Suggestions(words, vocabulary, player, on.toggle);
    this.#own = new OwnTags(words, vocabulary, on);
    this.#viewButton = button("link", on.view, icon(ICONS.more), this.#viewWords);
    this.#answer = el(
      "section",
      { className: "answer" },
      this.#heading,
      this.#pooled,
      this.#doubts,
      this.#suggestions.element,
      this.#unplayable,
    );
    this.#frame.append(
      this.#drops.element,
      this.#track,
      this.#tracks.element,
      this.#progress.element,
      this.#failure.element,
      this.#answer,
      this.#viewButton,
      this.#view,
      this.#own.element,
      this.#count,
    );
    player.addEventListener("state", () => (this.#unplayable.hidden = !player.hasFailed));
    this.showView(null);
  }

  /** The element that a browser focuses if the form is not valid. */
  get anchor() {
    return this.#own.input;
  }

  set isDisabled(isDisabled) {
    this.#frame.disabled = isDisabled;
  }

  /** Whether several tracks can be chosen; the texts appear at the next translation. */
  set isMultiple(isMultiple) {
    this.#drops.isMultiple = isMultiple;
    this.#failure.isMultiple = isMultiple;
  }

  /** Show all texts in the current language; the panel is hidden before the first call. */
  translate(analysis, limits) {
    for (const element of this.elements) element.lang = this.#words.language;
    this.#words.translate(this.#frame);
    if (limits) this.#drops.show(limits);
    this.#fill(analysis, limits);
    this.#nameView();
    this.#frame.hidden = false;
  }

  /** Show a phase, and keep the focus in the panel. */
  show(analysis, limits) {
    const { phase, isPooled, isEmpty, answer, refusal } = analysis;
    const root = this.#frame.getRootNode();
    const hadFocus = root.activeElement !== null && root.activeElement !== this.#own.input;
    this.#drops.element.hidden = !isEmpty;
    this.#track.hidden = isEmpty || isPooled;
    this.#tracks.element.hidden = isEmpty || !isPooled;
    this.#another.hidden = answer === null;
    this.#progress.element.hidden = phase !== "sending" && phase !== "analysing";
    this.#failure.element.hidden = refusal === null;
    this.#answer.hidden = answer === null;
    this.#viewButton.hidden = answer === null || isPooled;
    this.#fill(analysis, limits);
    this.#announce(this.#announcement(analysis));
    if (hadFocus) this.#place(phase, root);
  }

  /** Show a changed list of tracks, while the phase is the same. */
  showTracks(analysis, limits) {
    const root = this.#frame.getRootNode();
    const hadFocus = root.activeElement !== null;
    this.#drops.element.hidden = !analysis.isEmpty;
    this.#tracks.element.hidden = analysis.isEmpty;
    this.#tracks.show(analysis, limits);
    this.#announce(this.#tracks.summary);
    if (hadFocus && !root.activeElement) this.#placeInTracks();
  }

  #fill(analysis, limits) {
    const { isPooled, files, answer, refusal } = analysis;
    if (isPooled) this.#tracks.show(analysis, limits);
    else if (files.length) this.#describe(files[0], answer);
    if (files.length) this.#progress.show(analysis);
    if (answer) this.#showAnswer(analysis);
    if (refusal) this.#failure.show(refusal, limits);
    else this.#failure.clear();
  }

  openChooser() {
    this.#drops.open();
  }

  sent(analysis) {
    this.#progress.show(analysis);
  }

  choose(choice, suggested) {
    const known = new Set(suggested.map(folded));
    const own = choice.tags.filter((tag) => !known.has(folded(tag)));
    this.#suggestions.update(choice);
    this.#own.show(own);
    this.#count.textContent = this.#words.say("chosen", { count: choice.tags.length, max: choice.max });
    this.#count.classList.remove("warning");
  }

  /** Report that no more tags can be chosen. */
  refuse({ max }) {
    const words = this.#words.say("too_many", { max });
    this.#count.textContent = words;
    this.#count.classList.add("warning");
    this.#announce(words);
  }

  clearTyped() {
    this.#own.clear();
  }

  /** @param {Element|string|null} view The taggram view, or why it can't be shown; null hides it. */
  showView(view) {
    this.#view.replaceChildren(...(view ? [view] : []));
    this.#view.hidden = view === null;
    this.#viewButton.ariaExpanded = view !== null;
    this.#nameView();
  }

  #nameView() {
    this.#viewWords.textContent = this.#words.say(this.#view.hidden ? "show_view" : "hide_view");
  }

  #describe(file, answer) {
    this.#trackName.textContent = file.name;
    this.#trackFacts.textContent = this.#words.facts(file, answer);
  }

  #showAnswer({ isPooled, answer, shown }) {
    const isEmpty = shown.suggestions.length === 0;
    const isUnsure = shown.confidence === "low";
    this.#pooled.hidden = !isPooled;
    if (isPooled) this.#pooled.textContent = this.#words.say("pooled", { count: answer.tracks_read });
    const advice = [...(isUnsure ? ["unsure_advice"] : []), isEmpty ? "none_advice" : "take_fitting"];
    this.#doubts.hidden = !isUnsure && !isEmpty;
    this.#doubt.textContent = this.#words.say(isUnsure ? "unsure" : "none");
    this.#advice.textContent = advice.map((key) => this.#words.say(key)).join(" ");
    this.#suggestions.show(shown);
  }

  #place(phase, root) {
    if (phase === "sending") this.#progress.cancelButton.focus();
    else if (phase === "answered") this.#heading.focus();
    else if (phase === "refused") this.#failure.focus();
    else if (!root.activeElement) this.#placeInTracks();
  }

  #placeInTracks() {
    if (this.#drops.element.hidden) this.#tracks.focus();
    else this.#drops.focus();
  }

  #announcement({ phase, isPooled, files, answer, shown }) {
    if (phase === "sending") return this.#words.sending(files);
    if (phase === "analysing") return this.#words.say("analysing");
    if (phase === "choosing" && isPooled) return this.#tracks.summary;
    if (phase !== "answered") return "";
    const count = shown.suggestions.length;
    return [
      ...(isPooled ? [`${this.#pooled.textContent}.`] : []),
      ...(answer.damaged ? [`${this.#words.damage(answer)}.`] : []),
      ...(this.#doubts.hidden ? [] : [`${this.#doubt.textContent}.`]),
      ...(count ? [this.#words.say("suggested", { count })] : []),
    ].join(" ");
  }

  #announce(words) {
    if (words) this.#live.textContent = words;
  }
}
