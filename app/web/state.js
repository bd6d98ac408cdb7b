/** A track: its way to its tags, its sound, what was chosen, and what that says about the tags. */

import { Refusal } from "./service.js";

const MOST_ADDED = 20;

/**
 * Events: `phase` (`choosing`, `sending`, `analysing`, `answered`, `refused`), `sent` with
 * {loaded, total} as its `detail`.
 */
export class Hearing extends EventTarget {
  #asking = null;

  phase = "choosing";
  file = null;
  /** What the service answered. */
  answer = null;
  /** Why it did not. */
  refusal = null;
  /** Where it was refused: while `choosing`, `sending` or `analysing`. */
  refusedWhile = null;

  async hear(file, service, wish) {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const isCurrent = () => this.#asking === asking;
    Object.assign(this, { file, phase: "choosing" });
    try {
      const limits = await service.limits().catch(() => null); // then the service looks at it alone
      if (!isCurrent()) return;
      if (limits) check(file, limits);
      Object.assign(this, { answer: null, refusal: null });
      this.#enter("sending");
      const answer = await service.suggest(file, {
        ...wish,
        signal: asking.signal,
        onProgress: (loaded, total) => isCurrent() && this.#tell("sent", { loaded, total }),
        onSent: () => isCurrent() && this.#enter("analysing"),
      });
      if (isCurrent()) this.#answered(answer);
    } catch (error) {
      if (isCurrent()) this.#refused(error);
    }
  }

  /** Give up; the file stays, to be sent again. */
  cancel() {
    this.#asking?.abort();
  }

  /** Forget the file and what was heard in it. */
  forget() {
    this.#asking?.abort();
    this.#asking = null;
    Object.assign(this, { file: null, answer: null, refusal: null });
    this.#enter("choosing");
  }

  #answered(answer) {
    this.answer = answer;
    this.#enter("answered");
  }

  #refused(error) {
    if (!(error instanceof Refusal)) reportError(error); // a mistake of ours: for the console, too
    this.refusal = error instanceof Refusal ? error : new Refusal("page_error");
    this.answer = null;
    this.refusedWhile = this.phase;
    this.#enter("refused");
  }

  #enter(phase) {
    this.phase = phase;
    this.dispatchEvent(new Event("phase"));
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Hold a file against what the service takes, before a byte is sent. */
function check(file, limits) {
  if (file.size === 0) throw new Refusal("empty_file");
  if (file.size > limits.max_bytes) {
    throw new Refusal("too_large", "", { members: { max_bytes: limits.max_bytes } });
  }
  const extension = /\.[^.]+$/.exec(file.name.toLowerCase())?.[0];
  const isKnown = limits.formats.some(
    ({ extensions, media_types: types }) =>
      extensions.includes(extension) || types.includes(file.type.toLowerCase()),
  );
  // A file that says nothing about itself is for the service to look into.
  if (!isKnown && (extension || file.type)) throw new Refusal("unsupported_type");
}

/**
 * Plays the artist's own file, from this machine: nothing is fetched for it. Events: `state` (it
 * plays, pauses, can or can't play), `time` (often, while it plays).
 */
export class Player extends EventTarget {
  #audio = new Audio();
  #url = null;
  #endS = null;

  /** Whether the browser can't play the file. */
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

  /** Play from a moment to another; from where it stands, to the end, by default. */
  async play(startS = this.currentS, endS = null) {
    if (!this.isLoaded) return;
    this.#audio.currentTime = startS;
    this.#endS = endS;
    try {
      await this.#audio.play();
    } catch (error) {
      // A pause or another file that comes before the sound does is no failure.
      if (error.name !== "AbortError") this.#fail();
    }
  }

  pause() {
    this.#audio.pause();
  }

  /** Go to a moment, and on from there where it plays. */
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

  /** Keep to the spelling of these words, in whatever case they are typed. */
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

/** Without its case, and ß as SS: two spellings of one word are one tag. */
export function folded(tag) {
  return tag.toUpperCase().toLowerCase();
}

/** Which tags were shown, in which order, and which were taken. */
export class Feedback {
  #answers = new Map();
  #given = new Map();

  remember(answer) {
    this.#answers.delete(answer.track_id); // so that it is the last one now
    this.#answers.set(answer.track_id, answer);
  }

  forget() {
    this.#answers.clear();
  }

  /**
   * One for each track that was heard. What nobody suggested counts for the last one.
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

/** A random UUID; `crypto.randomUUID` is only there on https. */
function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
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
