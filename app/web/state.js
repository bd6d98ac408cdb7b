/** The state of the element: the upload, the player, labels, the choice, feedback. */

import { Refusal } from "./service.js";

const MOST_ADDED = 20;
const MAY_BE_AUDIO = /^(audio|video)\/|^application\/(octet-stream|ogg)$/;

/** A track and its answer. Phases: `choosing`, `sending`, `analysing`, `answered`, `refused`. */
export class Analysis {
  #asking = null;
  #on;

  phase = "choosing";
  file = null;
  /** The bytes that were sent, those of the file, and when sending began. */
  loaded = 0;
  total = 0;
  begun = 0;
  answer = null;
  refusal = null;
  /** The phase in which it was refused. */
  refusedWhile = null;

  /** @param {object} on `phase()` is called in each new phase, `sent()` when more is sent. */
  constructor(on) {
    this.#on = on;
  }

  async analyse(file, service, wish) {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const isCurrent = () => this.#asking === asking;
    Object.assign(this, { file, phase: "choosing" });
    try {
      const limits = await service.limits().catch(() => null);
      if (!isCurrent()) return;
      if (limits) check(file, limits);
      Object.assign(this, { answer: null, refusal: null, loaded: 0, total: file.size });
      this.begun = performance.now();
      this.#enter("sending");
      const answer = await service.suggest(file, {
        ...wish,
        signal: asking.signal,
        onProgress: (loaded, total) => isCurrent() && this.#sent(loaded, total),
        onSent: () => isCurrent() && this.#enter("analysing"),
      });
      if (isCurrent()) this.#answered(answer);
    } catch (error) {
      if (isCurrent()) this.#refused(error);
    }
  }

  /** Stop; the file is kept, and can be sent again. */
  cancel() {
    this.#asking?.abort();
  }

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
    if (!(error instanceof Refusal)) reportError(error); // a defect of the page
    this.refusal = error instanceof Refusal ? error : new Refusal("page_error");
    this.answer = null;
    this.refusedWhile = this.phase;
    this.#enter("refused");
  }

  #enter(phase) {
    this.phase = phase;
    this.#on.phase();
  }

  #sent(loaded, total) {
    Object.assign(this, { loaded, total });
    this.#on.sent();
  }
}

function check(file, limits) {
  if (file.size === 0) throw new Refusal("empty_file");
  if (file.size > limits.max_bytes) {
    throw new Refusal("too_large", "", { members: { max_bytes: limits.max_bytes } });
  }
  const name = file.name.toLowerCase();
  const [type] = file.type.toLowerCase().split(";"); // recordings name their codecs behind it
  const isKnown = limits.formats.some(
    ({ extensions, media_types: types }) =>
      types.includes(type) || extensions.some((extension) => name.endsWith(extension)),
  );
  // Browsers go by the extension, and know few: what may be audio is for the service to judge.
  const mayBeAudio = !type || !name.includes(".") || MAY_BE_AUDIO.test(type);
  if (!isKnown && !mayBeAudio) throw new Refusal("unsupported_type");
}

/** Plays the artist's file, without a request. Events: `state`, and `time` at each frame. */
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
      // A pause before the sound begins is not a failure.
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

/** The labels of tags: artists see and type them, forms and the service get names. */
export class Vocabulary {
  #words;
  #labels = new Map();
  #offered = [];

  constructor(words) {
    this.#words = words;
  }

  /** Take over a vocabulary's tags, to complete typed letters with. */
  offer(tags) {
    for (const { tag, labels } of tags) this.#labels.set(tag, labels);
    this.#offered = tags.map(({ tag }) => tag);
  }

  /** Take over the English labels of suggestions where no others are known. */
  know(suggestions) {
    for (const { tag, label } of suggestions) {
      if (!this.#labels.has(tag)) this.#labels.set(tag, { en: label });
    }
  }

  /** Return a tag's label; an own word is its own label. */
  label(tag) {
    return this.#words.label(this.#labels.get(tag), tag);
  }

  /** Return the tag with this label or name; otherwise what was typed. */
  find(typed) {
    return [...this.#labels.keys()].find((tag) => this.#keys(tag).includes(loose(typed))) ?? typed;
  }

  /** Return the tags that contain typed letters; first those that begin with them. */
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

/** The chosen tags, in that order. */
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

  /** Choose a tag or take it back; false where too many are chosen. */
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

/** Without case, and ß as ss: two spellings of one word are one tag. */
export function folded(tag) {
  return tag.toUpperCase().toLowerCase();
}

/** Without accents, spaces and hyphens as well: few artists type a label exactly. */
function loose(text) {
  return folded(text.normalize("NFD").replace(/[\u0300-\u036f\s-]/g, ""));
}

/** Collects which suggestions were shown and accepted. */
export class Feedback {
  #answers = new Map();
  #given = new Map();

  remember(answer) {
    this.#answers.delete(answer.track_id); // so that it is the last now
    this.#answers.set(answer.track_id, answer);
  }

  forget() {
    this.#answers.clear();
  }

  /** Return one for each track; tags that were not suggested are in the last one. */
  about(tags) {
    const answers = [...this.#answers.values()];
    const shown = new Set(answers.flatMap(shownTags));
    const added = tags.filter((tag) => !shown.has(folded(tag))).slice(0, MOST_ADDED);
    return answers
      .filter(({ suggestions }) => suggestions.length)
      .map((answer) => this.#named(said(answer, tags, answer === answers.at(-1) ? added : [])));
  }

  /** Add an id, the same to the same feedback, so that it counts once. */
  #named(feedback) {
    const text = JSON.stringify(feedback);
    if (!this.#given.has(text)) this.#given.set(text, randomId());
    return { id: this.#given.get(text), ...feedback };
  }
}

/** A random UUID; `crypto.randomUUID` needs https. */
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
