/** The tags that the artist chose, and what that says about the suggestions. */

import { randomId } from "./service.js";

const MOST_ADDED = 20;

/** The chosen tags, in that order. Events: `change`. */
export class Choice extends EventTarget {
  #tags = [];
  #known = new Map();

  /** How many may be chosen. */
  max = 5;

  get tags() {
    return [...this.#tags];
  }

  get isFull() {
    return this.#tags.length >= this.max;
  }

  /** @param {string[]} words Whose spelling is kept to, whatever the case they are typed in. */
  know(words) {
    for (const word of words) this.#known.set(folded(word), word);
  }

  has(tag) {
    return this.#index(tag) >= 0;
  }

  /** Choose a tag, or take it back; false where there is no room for it. */
  toggle(tag) {
    const index = this.#index(tag);
    if (index < 0) return this.add(tag);
    this.replace(this.#tags.toSpliced(index, 1));
    return true;
  }

  /** Choose a tag; false where there is no room for it. */
  add(tag) {
    if (this.has(tag)) return true;
    if (this.isFull) return false;
    this.replace([...this.#tags, this.#known.get(folded(tag)) ?? tag]);
    return true;
  }

  replace(tags) {
    this.#tags = tags;
    this.dispatchEvent(new Event("change"));
  }

  #index(tag) {
    return this.#tags.findIndex((other) => folded(other) === folded(tag));
  }
}

/** Without its case: two spellings of one word are one tag. */
export function folded(tag) {
  return tag.toLowerCase();
}

/** Which tags were shown, in which order, and which were taken. */
export class Feedback {
  #answers = new Map();
  #given = new Map();

  /** @param {object} answer What `POST /suggest-tags` answered, and the artist saw. */
  remember(answer) {
    this.#answers.delete(answer.track_id); // so that it is the last one now
    this.#answers.set(answer.track_id, answer);
  }

  forget() {
    this.#answers.clear();
  }

  /**
   * One for each track that was heard. What nobody suggested counts for the last one.
   *
   * @param {string[]} tags The chosen ones.
   */
  about(tags) {
    const answers = [...this.#answers.values()];
    const shown = new Set(answers.flatMap(shownTags));
    const added = tags.filter((tag) => !shown.has(folded(tag))).slice(0, MOST_ADDED);
    return answers
      .filter(({ suggestions }) => suggestions.length)
      .map((answer) => this.#named(said(answer, tags, answer === answers.at(-1) ? added : [])));
  }

  /** With an id; the same one where the same is said again, so that it counts once. */
  #named(feedback) {
    const text = JSON.stringify(feedback);
    if (!this.#given.has(text)) this.#given.set(text, randomId());
    return { id: this.#given.get(text), ...feedback };
  }
}

function said(answer, tags, added) {
  const chosen = new Set(tags.map(folded));
  return {
    track_id: answer.track_id,
    models: answer.models,
    vocabulary: answer.vocabulary,
    vocabulary_version: answer.vocabulary_version,
    pooling: answer.pooling,
    confidence: answer.confidence,
    shown: answer.suggestions.map(({ tag, score }) => ({
      tag,
      score,
      accepted: chosen.has(folded(tag)),
    })),
    added,
  };
}

function shownTags({ suggestions }) {
  return suggestions.map(({ tag }) => folded(tag));
}
