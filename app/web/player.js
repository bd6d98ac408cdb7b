/** Plays the artist's own file, from this machine: nothing is fetched for it. */

/** Events: `state` (it plays, pauses, can or can't play), `time` (often, while it plays). */
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
