/** The state of the element: the player, labels, the choice, feedback. */

const MOST_ADDED = 20;

/** Plays the artist's file locally. Events: `state`, and `time` at each frame. */
export class Player extends EventTarget {
  #audio = new Audio();
  #url = null;
  #endS = null;

  hasFailed = false;

  constructor() {
    super();
    this.#audio.preload = "metadata";
    for (const name of ["play", "pause", "ended", "emptied"]) {
      this.#audio.addEventListener(name, () => this.dispatchEvent(new Event("state")));
    }
    this.#audio.addEventListener("play", () => this.#follow());
    for (const name of ["timeupdate", "seeked"]) {
      this.#audio.addEventListener(name, () => this.#tell());
    }
    this.#audio.addEventListener("error", () => this.#url && this.#fail());
  }

  load(file) {
    this.#audio.pause();
    this.hasFailed = false;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = file && URL.createObjectURL(file);
    if (this.#url) this.#audio.src = this.#url;
    else this.#audio.removeAttribute("src");
    this.#audio.load();
  }

  get isLoaded() {
    return this.#url !== null && !this.hasFailed;
  }

  get isPlaying() {
    return !this.#audio.paused;
  }

  get currentS() {
    return this.#audio.currentTime;
  }

  async play(startS = this.currentS, endS = null) {
    if (!this.isLoaded) return;
    this.#audio.currentTime = startS;
    this.#endS = endS;
    try {
      await this.#audio.play();
    } catch (error) {
      // A pause before playback begins is not a failure.
      if (error.name !== "AbortError") this.#fail();
    }
  }

  pause() {
    this.#audio.pause();
  }

  seek(seconds) {
    this.#endS = null;
    this.#audio.currentTime = seconds;
  }

  #fail() {
    this.hasFailed = true;
    this.dispatchEvent(new Event("state"));
  }

  #follow() {
    this.#tell();
    if (this.isPlaying) requestAnimationFrame(() => this.#follow());
  }

  #tell() {
    if (this.#endS !== null && this.currentS >= this.#endS) {
      this.#endS = null;
      this.pause();
    }
    this.dispatchEvent(new Event("time"));
  }
}

/** The labels of tags: artists see and type labels, forms and the service get names. */
export class Vocabulary {
  #words;
  #labels = new Map();
  #offered = [];

  constructor(words) {
    this.#words = words;
  }

  /** Store a vocabulary's tags, for completion. */
  offer(tags) {
    for (const { tag, labels } of tags) this.#labels.set(tag, labels);
    this.#offered = tags.map(({ tag }) => tag);
  }

  /** Store the English labels of suggestions for tags without known labels. */
  know(suggestions) {
    for (const { tag, label } of suggestions) {
      if (!this.#labels.has(tag)) this.#labels.set(tag, { en: label });
    }
  }

  /** Return a tag's label; a typed tag is its own label. */
  label(tag) {
    return this.#words.label(this.#labels.get(tag), tag);
  }

  /** Return the tag with this label or name; otherwise the typed text. */
  find(typed) {
    return [...this.#labels.keys()].find((tag) => this.#keys(tag).includes(loose(typed))) ?? typed;
  }

  /** Return the tags that contain the typed text; first those that begin with it. */
  complete(typed) {
    const letters = loose(typed);
    if (!letters) return [];
    const begins = (tag) => this.#keys(tag).some((key) => key.startsWith(letters));
    return this.#offered
      .filter((tag) => this.#keys(tag).some((key) => key.includes(letters)))
      .sort((one, other) => begins(other) - begins(one));
  }

  #keys(tag) {
    return [loose(this.label(tag)), loose(tag)];
  }
}

/** The chosen tags, in the order of choice. */
export class Choice {
  #tags = [];
  #changed;

  max = 5;

  constructor(changed) {
    this.#changed = changed;
  }

  get tags() {
    return [...this.#tags];
  }

  get isFull() {
    return this.#tags.length >= this.max;
  }

  has(tag) {
    return this.#index(tag) >= 0;
  }

  /** Choose a tag or remove it; return false if too many are chosen. */
  toggle(tag) {
    const index = this.#index(tag);
    if (index < 0) return this.add(tag);
    this.replace(this.#tags.toSpliced(index, 1));
    return true;
  }

  add(tag) {
    if (this.has(tag)) return true;
    if (this.isFull) return false;
    this.replace([...this.#tags, tag]);
    return true;
  }

  replace(tags) {
    this.#tags = tags;
    this.#changed();
  }

  #index(tag) {
    return this.#tags.findIndex((other) => folded(other) === folded(tag));
  }
}

/** Fold case, and ß to ss, so that spellings of one word are one tag. */
export function folded(tag) {
  return tag.toUpperCase().toLowerCase();
}

/** Also remove accents, spaces and hyphens: few artists type a label exactly. */
function loose(text) {
  return folded(text.normalize("NFD").replace(/[\u0300-\u036f\s-]/g, ""));
}

/** Collects the suggestions shown and the tags chosen, for feedback. */
export class Feedback {
  #answers = new Map();
  #ids = new Map();

  remember(answer) {
    this.#answers.delete(answer.track_id); // moves it to the end
    this.#answers.set(answer.track_id, answer);
  }

  forget() {
    this.#answers.clear();
  }

  /** Return the feedback on each track; tags that were not suggested are in the last one. */
  about(tags) {
    const answers = [...this.#answers.values()];
    const shown = new Set(answers.flatMap(shownTags));
    const added = tags.filter((tag) => !shown.has(folded(tag))).slice(0, MOST_ADDED);
    return answers
      .filter(({ suggestions }) => suggestions.length)
      .map((answer) => this.#named(feedbackOn(answer, tags, answer === answers.at(-1) ? added : [])));
  }

  /** Add an id, which is the same for the same feedback, so that it is counted once. */
  #named(feedback) {
    const text = JSON.stringify(feedback);
    if (!this.#ids.has(text)) this.#ids.set(text, randomId());
    return { id: this.#ids.get(text), ...feedback };
  }
}

/** Return a random UUID; `crypto.randomUUID` needs https. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function feedbackOn(answer, tags, added) {
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
