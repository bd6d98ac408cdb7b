/** The element's texts and numbers in the language of its page. */

import english from "./words-en.js";

const ENGLISH = new Intl.Locale("en");
const OTHERS = { fr: () => import("./words-fr.js") };

const SCORE = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
const TWO_DIGITS = { minimumIntegerDigits: 2 };

/** Error kinds that use the text of another kind. */
const SAME = {
  payload_too_large: "too_large",
  unauthorized: "forbidden",
  no_token: "forbidden",
  request_timeout: "unreachable",
};

/** Error kinds for which a retry with the same file is useless. */
const FINAL = new Set([
  ...["unsupported_type", "unsupported_audio", "too_large", "empty_file", "undecodable_audio"],
  ...["audio_too_short", "audio_too_long", "silent_audio", "unknown_track", "file_changed"],
  ...["no_readable_track", "too_large_together"],
]);

/** The formats shown until the limits are loaded. */
const COMMONEST = [{ name: "MP3" }, { name: "FLAC" }, { name: "WAV" }];

/** The most formats that are listed: all would be too many to read. */
const SHOWN = 6;

/** The texts in one language. Event: `change`, when the texts have changed. */
export class Words extends EventTarget {
  #words = [english];
  #page = ENGLISH;
  #locale = ENGLISH;
  #formats = new Map();
  #request = null;

  /** The language of the texts: English if there are no texts in the page's language. */
  get language() {
    return this.#locale.baseName;
  }

  /**
   * Switch to a language; missing texts are in English.
   *
   * @param {object} own The host's texts, which replace the default ones.
   */
  async setLanguage(language, own = {}) {
    const request = (this.#request = {});
    const page = localeOf(language);
    const file = await OTHERS[page.language]?.().catch(() => null);
    if (this.#request !== request) return;
    const hasWords = file || page.language === "en" || Object.keys(own).length;
    this.#words = [own, file?.default ?? {}, english];
    this.#page = page;
    this.#locale = hasWords ? page : ENGLISH;
    this.#formats.clear();
    this.dispatchEvent(new Event("change"));
  }

  say(key, values = {}) {
    let phrase = this.#words.map((words) => words[key]).find((found) => found != null);
    if (phrase?.other) {
      const form = new Intl.PluralRules(this.language).select(values.count);
      phrase = phrase[form] ?? phrase.other;
    }
    const filled = (_, name) =>
      typeof values[name] === "number" ? this.number(values[name]) : values[name];
    return phrase?.replace(/\{(\w+)\}/g, filled) ?? null;
  }

  /** Set the texts of elements with `data-say` and the labels of those with `data-label`. */
  translate(root) {
    for (const node of root.querySelectorAll("[data-say], [data-label]")) {
      const { say, label } = node.dataset;
      if (say) node.textContent = this.say(say);
      if (label) node.ariaLabel = this.say(label);
    }
  }

  /** Return what failed, what to do, and whether a retry may help. */
  failure({ kind, detail, members }, limits) {
    const name = SAME[kind] ?? kind;
    const hasSize = name.startsWith("too_large");
    const most = name === "too_large" ? limits?.max_bytes : limits?.pooled.max_bytes;
    const size = members.max_bytes ?? most; // a proxy's response has no limit
    const advice = this.say(`${name}_advice`, {
      formats: this.formats(limits?.formats ?? COMMONEST),
      shortest: this.measure(members.min_duration_s ?? limits?.min_duration_s, "second"),
      longest: this.measure(
        Math.floor((members.max_duration_s ?? limits?.max_duration_s) / 60),
        "minute",
      ),
    });
    const upTo = hasSize && size ? this.say("most", { size: this.bytes(size, Math.floor) }) : "";
    return {
      title: this.say(advice ? name : "failed"),
      advice: advice ? upTo + advice : detail || this.say("failed_advice"),
      canRetry: !FINAL.has(name),
    };
  }

  /** Describe a file: duration, size, damage; the first and last if it was analysed. */
  facts(file, answer) {
    return [
      ...(answer ? [this.clock(answer.duration_s)] : []),
      this.bytes(file.size),
      ...(answer?.damaged ? [this.damage(answer)] : []),
    ].join(" · ");
  }

  damage({ duration_s: decoded, announced_s: announced }) {
    return this.say("damaged", { decoded: this.clock(decoded), announced: this.clock(announced) });
  }

  /** Say that files are being sent. */
  sending(files) {
    return files.length === 1
      ? this.say("sending_file", { file: files[0].name })
      : this.say("sending_tracks", { count: files.length });
  }

  /** Select the label in the page's language from labels by language. */
  label(labels, otherwise) {
    return labels?.[this.#page.baseName] ?? labels?.[this.#page.language] ?? labels?.en ?? otherwise;
  }

  number(value, format) {
    if (!this.#formats.has(format)) {
      this.#formats.set(format, new Intl.NumberFormat(this.language, format));
    }
    return this.#formats.get(format).format(value);
  }

  score(value) {
    return this.number(value, SCORE);
  }

  clock(seconds) {
    const whole = Math.floor(seconds);
    return `${this.number(Math.floor(whole / 60))}:${this.number(whole % 60, TWO_DIGITS)}`;
  }

  /** Format a number with a unit of ECMA-402, such as `second`. */
  measure(value, unit) {
    const format = { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 };
    return new Intl.NumberFormat(this.language, format).format(value);
  }

  /** Format a size. Limits are rounded down: the size shown must be accepted. */
  bytes(count, round = (value) => value) {
    const [unit, size] = count < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
    return this.measure(round(count / size), unit);
  }

  /** Return the names of the most common formats of `GET /limits` as text. */
  formats(formats) {
    const names = formats.map(({ name }) => name);
    return this.either(names.length > SHOWN + 1 ? [...names.slice(0, SHOWN), this.say("others")] : names);
  }

  either(names) {
    return new Intl.ListFormat(this.language, { type: "disjunction" }).format(names);
  }
}

function localeOf(language) {
  try {
    return new Intl.Locale(language);
  } catch {
    return ENGLISH; // not a valid language tag
  }
}
