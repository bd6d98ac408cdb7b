/** The list of several tracks, each with its own suggestions or the reason why it can't be read. */

import { ICONS, button, el, icon, textButton } from "./dom.js";

export class TrackList {
  #words;
  #vocabulary;
  #on;
  #count = el("p", { className: "title" });
  #rows = el("ul", { className: "tracks", part: "tracks", role: "list" });
  #leftOut = el("p", { className: "muted" });
  #analyse;
  #add;

  element;

  /** @param {object} on `remove(track)`, `analyse()`, `add()`. */
  constructor(words, vocabulary, on) {
    this.#words = words;
    this.#vocabulary = vocabulary;
    this.#on = on;
    this.#analyse = button("strong", on.analyse);
    this.#add = textButton("quiet", on.add, "add_tracks");
    this.element = el(
      "section",
      { className: "track-list" },
      this.#count,
      this.#rows,
      this.#leftOut,
      el("div", { className: "actions" }, this.#analyse, this.#add),
    );
  }

  /** What changed, for screen readers. */
  get summary() {
    const texts = [this.#count.textContent, this.#leftOut.textContent];
    return this.element.hidden ? "" : texts.filter(Boolean).join(". ");
  }

  show({ phase, tracks, files, max, leftOut }, limits) {
    const words = this.#words;
    this.#count.textContent = words.say("listed", { count: tracks.length, max });
    this.#rows.replaceChildren(...tracks.map((track) => this.#row(track, limits)));
    this.#leftOut.textContent = leftOut ? words.say("left_out", { count: leftOut, max }) : "";
    this.#leftOut.hidden = leftOut === 0;
    this.#analyse.textContent = words.say("analyse", { count: files.length });
    this.#analyse.hidden = phase !== "choosing" || files.length === 0;
    this.#add.hidden = phase !== "choosing" && phase !== "answered";
  }

  focus() {
    (this.#analyse.hidden ? this.#add : this.#analyse).focus();
  }

  #row(track, limits) {
    const { file, suggested } = track;
    const remove = button("quiet remove", () => this.#on.remove(track), icon(ICONS.close));
    remove.ariaLabel = this.#words.say("remove", { tag: file.name });
    return el(
      "li",
      { className: "track", part: "track" },
      icon(ICONS.wave),
      el(
        "div",
        { className: "track-words" },
        el("p", { className: "track-name" }, file.name),
        el("p", { className: "muted" }, this.#words.facts(file, suggested)),
      ),
      remove,
      ...this.#result(track, limits),
    );
  }

  #result({ refusal, suggested, sameAs }, limits) {
    if (refusal) return [this.#problem(refusal, limits)];
    if (sameAs) return [said(this.#words.say("same_as", { file: sameAs.name }))];
    return suggested ? [said(this.#suggestions(suggested))] : [];
  }

  #problem(refusal, limits) {
    const { title, advice } = this.#words.failure(refusal, limits);
    return el(
      "div",
      { className: "track-result problem" },
      el("p", { className: "title" }, title),
      el("p", { className: "muted" }, advice),
    );
  }

  #suggestions({ confidence, suggestions }) {
    const words = this.#words;
    const tags = suggestions.map(({ tag, score }) => `${this.#vocabulary.label(tag)} ${words.score(score)}`);
    return [
      ...(confidence === "low" ? [words.say("unsure")] : []),
      tags.length ? words.say("of_track", { tags: tags.join(" · ") }) : words.say("none"),
    ].join(". ");
  }
}

function said(text) {
  return el("p", { className: "track-result muted" }, text);
}
