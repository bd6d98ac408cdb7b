/** The state of the element: the upload, the player, labels, the choice, feedback. */

import { Refusal } from "./service.js";

const MOST_ADDED = 20;
const MAY_BE_AUDIO = /^(audio|video)\/|^application\/(octet-stream|ogg)$/;

/** A track and its answer. Phases: `choosing`, `sending`, `analysing`, `answered`, `refused`. */
export class Analysis {
  #controller = null;
  #on;

  phase = "choosing";
  file = null;
  /** The bytes sent, the bytes of the file, and when sending began. */
  loaded = 0;
  total = 0;
  begun = 0;
  answer = null;
  refusal = null;
  /** The phase in which it failed. */
  refusedWhile = null;

  /** @param {object} on `phase()` is called in each new phase, `sent()` on progress. */
  constructor(on) {
    this.#on = on;
  }

  async analyse(file, service, parameters) {
    this.#controller?.abort();
    const controller = (this.#controller = new AbortController());
    const isCurrent = () => this.#controller === controller;
    Object.assign(this, { file, phase: "choosing" });
    try {
      const limits = await service.limits().catch(() => null);
      if (!isCurrent()) return;
      if (limits) check(file, limits);
      Object.assign(this, { answer: null, refusal: null, loaded: 0, total: file.size });
      this.begun = performance.now();
      this.#enter("sending");
      const answer = await service.suggest(file, {
        ...parameters,
        signal: controller.signal,
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
    this.#controller?.abort();
  }

  forget() {
    this.#controller?.abort();
    this.#controller = null;
    Object.assign(this, { file: null, answer: null, refusal: null });
    this.#enter("choosing");
  }

  #answered(answer) {
    this.answer = answer;
    this.#enter("answered");
  }

  #refused(error) {
    if (!(error instanceof Refusal)) reportError(error); // a bug in the page
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
  const [type] = file.type.toLowerCase().split(";"); // recordings append their codecs
  const isKnown = limits.formats.some(
    ({ extensions, media_types: types }) =>
      types.includes(type) || extensions.some((extension) => name.endsWith(extension)),
  );
  // Browsers use the extension, and know few of them: the service decides about the others.
  const mayBeAudio = !type || !name.includes(".") || MAY_BE_AUDIO.test(type);
  if (!isKnown && !mayBeAudio) throw new Refusal("unsupported_type");
}

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
