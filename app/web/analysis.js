/** Uploads and their answers: of one track, and of several tracks of an artist. */

import { Refusal } from "./service.js";

const MAY_BE_AUDIO = /^(audio|video)\/|^application\/(octet-stream|ogg)$/;

/** The number of tracks until the limits are loaded. */
const MOST_TRACKS = 10;

/** An upload. Phases: `choosing`, `sending`, `analysing`, `answered`, `refused`. */
class Upload {
  #controller = null;
  #on;

  phase = "choosing";
  /** The bytes sent, the bytes of the files, and when sending began. */
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

  /**
   * Send files, and wait for the answer.
   *
   * @param {function} check Called with the limits of `GET /limits`; throws what is wrong.
   * @param {function} send Called with the signal and the callbacks of `Service.suggest`.
   */
  async run(service, files, check, send) {
    this.#controller?.abort();
    const controller = (this.#controller = new AbortController());
    const isCurrent = () => this.#controller === controller;
    this.phase = "choosing";
    try {
      const limits = await service.limits().catch(() => null);
      if (!isCurrent()) return;
      if (limits) check(limits);
      Object.assign(this, { answer: null, refusal: null, loaded: 0, total: sizeOf(files) });
      this.begun = performance.now();
      this.#enter("sending");
      const answer = await send({
        signal: controller.signal,
        onProgress: (loaded, total) => isCurrent() && this.#sent(loaded, total),
        onSent: () => isCurrent() && this.#enter("analysing"),
      });
      if (isCurrent()) this.#answered(answer);
    } catch (error) {
      if (isCurrent()) this.#refused(error);
    }
  }

  /** Stop; the files are kept, and can be sent again. */
  cancel() {
    this.#controller?.abort();
  }

  /** Stop, and forget the answer. */
  reset() {
    this.#controller?.abort();
    this.#controller = null;
    Object.assign(this, { answer: null, refusal: null });
    this.#enter("choosing");
  }

  take(answer) {
    this.answer = answer;
  }

  fail(refusal) {
    this.refusal = refusal;
    this.answer = null;
  }

  #answered(answer) {
    this.take(answer);
    this.#enter("answered");
  }

  #refused(error) {
    if (!(error instanceof Refusal)) reportError(error); // a bug in the page
    this.fail(error instanceof Refusal ? error : new Refusal("page_error"));
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

/** One track. */
export class Analysis extends Upload {
  isPooled = false;
  file = null;

  get isEmpty() {
    return this.file === null;
  }

  get files() {
    return this.file ? [this.file] : [];
  }

  /** The confidence and the suggestions of the answer. */
  get shown() {
    return this.answer;
  }

  /** The answers on each track. */
  get answers() {
    return this.answer ? [this.answer] : [];
  }

  analyse(service, parameters) {
    const { file } = this;
    const send = (on) => service.suggest(file, { ...parameters, ...on });
    return this.run(service, [file], (limits) => check(file, limits), send);
  }

  forget() {
    this.file = null;
    this.reset();
  }
}

/**
 * Several tracks of an artist. Each has its `file`, its `refusal` if it can't be read, its own answer
 * `suggested`, and `sameAs`, the file that it is a copy of.
 */
export class PooledAnalysis extends Upload {
  isPooled = true;
  tracks = [];
  max = MOST_TRACKS;
  /** The number of chosen files beyond `max`. */
  leftOut = 0;
  #sent = [];
  #listed;

  /** @param {object} on As for one track; `listed()` is called when only the list has changed. */
  constructor(on) {
    super(on);
    this.#listed = on.listed;
  }

  get isEmpty() {
    return this.tracks.length === 0;
  }

  /** The files that are worth sending. */
  get files() {
    return this.#sendable.map(({ file }) => file);
  }

  /** The confidence and the suggestions of the answer: low if it is for each track that was read. */
  get shown() {
    const isLow = this.answers.every(({ confidence }) => confidence === "low");
    return this.answer && { confidence: isLow ? "low" : "high", suggestions: this.answer.suggestions };
  }

  /** The answers on each track that was read. */
  get answers() {
    return (this.answer?.tracks ?? []).map(({ suggested }) => suggested).filter(Boolean);
  }

  get #sendable() {
    return this.tracks.filter(({ refusal }) => refusal === null);
  }

  /** Add files to the list, those that can't be read with the reason. */
  async add(files, service) {
    const limits = await service.limits().catch(() => null);
    this.max = limits?.pooled.max_files ?? MOST_TRACKS;
    const added = files.slice(0, Math.max(0, this.max - this.tracks.length));
    this.leftOut = files.length - added.length;
    this.tracks.push(...added.map((file) => trackOf(file, limits)));
    if (added.some((file) => this.files.includes(file))) this.reset();
    else this.#listed();
  }

  /** Remove a track; the answer stays if the track has no part in it. */
  remove(track) {
    this.tracks = this.tracks.filter((other) => other !== track);
    for (const copy of this.tracks) if (copy.sameAs === track.file) copy.sameAs = null;
    this.leftOut = 0;
    if (track.refusal && this.phase !== "refused") this.#listed();
    else this.reset();
  }

  analyse(service, parameters) {
    this.leftOut = 0;
    this.#sent = this.#sendable;
    const files = this.files;
    const send = (on) => service.suggestPooled(files, { ...parameters, ...on });
    return this.run(service, files, (limits) => checkSum(files, limits), send);
  }

  forget() {
    Object.assign(this, { tracks: [], leftOut: 0 });
    this.reset();
  }

  take(answer) {
    this.#assign(answer.tracks);
    super.take(answer);
  }

  fail(refusal) {
    const { kind, members } = refusal;
    if (kind === "no_readable_track") this.#assign(members.tracks);
    if (kind === "file_changed") {
      for (const position of members.changed) this.#sent[position].refusal = refusal;
    }
    super.fail(kind === "payload_too_large" ? new Refusal("too_large_together", "", refusal) : refusal);
  }

  /** Assign the results of the service, which name files by their positions from 1. */
  #assign(results) {
    for (const { files, suggested = null, problem } of results) {
      const tracks = files.map((position) => this.#sent[position - 1]);
      for (const track of tracks) {
        const refusal = problem && new Refusal(problem.type.replace("/problems/", ""), problem.detail);
        const sameAs = track === tracks[0] ? null : tracks[0].file;
        Object.assign(track, { suggested, refusal, sameAs });
      }
    }
  }
}

function trackOf(file, limits) {
  const track = { file, refusal: null, suggested: null, sameAs: null };
  try {
    if (limits) check(file, limits);
  } catch (refusal) {
    track.refusal = refusal;
  }
  return track;
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

function checkSum(files, { pooled: { max_bytes: most } }) {
  if (sizeOf(files) > most) {
    throw new Refusal("too_large_together", "", { members: { max_bytes: most } });
  }
}

function sizeOf(files) {
  return files.reduce((sum, { size }) => sum + size, 0);
}
