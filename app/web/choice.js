/** The tags that the artist chose, in that order. */

/** Events: `change`. */
export class Choice extends EventTarget {
  #tags = [];
  #known = new Map();

  /** How many may be chosen. */
  max = 5;

  /** @returns {string[]} */
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

  /** @param {string[]} tags */
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
