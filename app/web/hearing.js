/** One file on its way to its tags: looked at, sent, listened to. */

import { Refusal } from "./service.js";

/**
 * Events: `phase` (`choosing`, `sending`, `listening`, `answered`, `refused`), `sent` with
 * {loaded, total}, `stage` with the service's stage as its `detail`.
 */
export class Hearing extends EventTarget {
  #asking = null;

  phase = "choosing";
  file = null;
  /** What the service answered. */
  answer = null;
  /** Why it did not. */
  refusal = null;
  /** Where it was refused: while `choosing`, `sending` or `listening`. */
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
        onSent: () => isCurrent() && this.#enter("listening"),
        onStage: (stage) => isCurrent() && this.#tell("stage", stage),
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
