/** `<taggram-view>`: how tags move through a track, inside of `<tag-suggest>`. */

import { ICONS, button, el, icon } from "./dom.js";
import { FailurePanel } from "./phases.js";
import { Refusal } from "./service.js";
import { style } from "./style.js";
import { GRADIENT, TaggramMap } from "./taggram-map.js";
import { clock, failure, score } from "./words.js";

const ROWS = 15;
const SAID_MS = 6000;
const DARK = matchMedia("(prefers-color-scheme: dark)");

const POOLINGS = {
  mean: "on average",
  majority: "how often in the top five",
  softmax: "favouring its best moments",
};

/** Events: `choose` (the artist wants to choose a file). */
export class TaggramView extends HTMLElement {
  service;
  player;
  linkFor;

  #shown = null;
  #taggram = null;
  #loading = null;
  #map = new TaggramMap();
  #playWords = el("span");
  #shapes = { play: icon(ICONS.play), stop: icon(ICONS.stop) };
  #play = button("quiet play", () => this.#togglePlay(), ...Object.values(this.#shapes), this.#playWords);
  #vocabulary = el("select", { id: "vocabulary", onchange: () => this.#switch() });
  #pooling = el("select", { id: "pooling", onchange: () => this.#switch() });
  #readOut = el("p", { id: "read-out", className: "read-out", part: "read-out", ariaLive: "polite" });
  #hint = el("p", { className: "muted" }, "Choose the file again to listen to it here.");
  #scale = el("span", { className: "scale" });
  #said = el("p", { className: "muted", role: "status" });
  #saying = 0;
  #link = el("input", { type: "text", readOnly: true, hidden: true, ariaLabel: "Link" });
  #table = el("details", {}, el("summary", {}, "The same as a table"));
  #failure = new FailurePanel(
    () => this.#load(),
    () => this.dispatchEvent(new Event("choose")),
  );
  #body = el(
    "div",
    { className: "body" },
    el(
      "div",
      { className: "controls", part: "controls" },
      this.#play,
      el("label", { htmlFor: "vocabulary" }, "Tags ", this.#vocabulary),
      el("label", { htmlFor: "pooling" }, "Score ", this.#pooling),
    ),
    this.#map.element,
    el(
      "div",
      { className: "under" },
      this.#readOut,
      el("p", { className: "legend", part: "legend" }, "score 0 ", this.#scale, " 1"),
    ),
    this.#hint,
    el(
      "div",
      { className: "actions" },
      button("quiet", () => this.#save("image/png", "png"), "Picture (PNG)"),
      button("quiet", () => this.#save("text/csv", "csv"), "Table (CSV)"),
      button("quiet", () => this.#copyLink(), "Copy link"),
    ),
    this.#link,
    this.#said,
    this.#table,
  );

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(this.#failure.element, this.#body);
    this.#scale.style.setProperty("background", GRADIENT);
    for (const [value, words] of Object.entries(POOLINGS)) {
      this.#pooling.append(el("option", { value }, words));
    }
    this.#failure.element.hidden = true;
    this.#map.addEventListener("cell", () => this.#readCell());
    this.#map.addEventListener("seek", ({ detail }) => this.player.isLoaded && this.player.seek(detail));
    this.#map.addEventListener("hear", ({ detail }) => this.player.play(detail));
    this.#map.addEventListener("toggle", ({ detail }) => this.#togglePlay(detail));
    this.#table.addEventListener("toggle", () => this.#fillTable());
  }

  connectedCallback() {
    for (const name of ["state", "time"]) this.player?.addEventListener(name, this.#followPlayer);
    DARK.addEventListener("change", this.#redraw);
  }

  disconnectedCallback() {
    for (const name of ["state", "time"]) this.player?.removeEventListener(name, this.#followPlayer);
    DARK.removeEventListener("change", this.#redraw);
    this.#loading?.abort();
  }

  /** Show a track that was heard. */
  async show(trackId, { vocabulary, pooling = "mean" }) {
    this.#shown = { trackId, vocabulary, pooling: pooling in POOLINGS ? pooling : "mean" };
    await Promise.all([this.#fillVocabularies(), this.#load()]);
  }

  async #load() {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    const { trackId, vocabulary, pooling } = this.#shown;
    this.#body.ariaBusy = true;
    try {
      const wish = { vocabulary, pooling, top: ROWS };
      const taggram = await this.service.taggram(trackId, wish, loading.signal);
      if (this.#loading === loading) this.#draw(taggram);
    } catch (error) {
      if (this.#loading === loading) this.#refuse(error);
    }
  }

  #draw(taggram) {
    this.#taggram = taggram;
    this.#failure.element.hidden = true;
    this.#failure.clear();
    this.#body.hidden = false;
    this.#body.ariaBusy = false;
    this.#vocabulary.value = this.#shown.vocabulary;
    this.#pooling.value = this.#shown.pooling;
    this.#map.show(taggram);
    this.#fillTable();
    this.#followPlayer();
  }

  #refuse(error) {
    if (!(error instanceof Refusal)) reportError(error); // a mistake of ours: for the console, too
    const refusal = error instanceof Refusal ? error : new Refusal("page_error");
    if (refusal.kind === "cancelled") return;
    this.#body.hidden = true;
    this.#failure.element.hidden = false;
    this.#failure.show(refusal, null);
  }

  async #fillVocabularies() {
    const known = await this.service.vocabularies().catch(() => []);
    const given = known.filter(({ tags }) => tags.some(({ covered }) => covered));
    const names = new Set([...given.map(({ name }) => name), "raw", this.#shown.vocabulary]);
    this.#vocabulary.replaceChildren(
      ...[...names].map((value) =>
        el("option", { value }, value === "raw" ? "the model’s own tags" : value),
      ),
    );
    this.#vocabulary.value = this.#shown.vocabulary;
  }

  #switch() {
    const { trackId } = this.#shown;
    this.#link.hidden = true;
    this.#shown = { trackId, vocabulary: this.#vocabulary.value, pooling: this.#pooling.value };
    this.#load();
  }

  #readCell() {
    const { tag, startS, endS, score: value } = this.#map.cell;
    this.#readOut.replaceChildren(
      el("strong", {}, tag),
      ` ${clock(startS)}–${clock(endS)} `,
      el("span", { className: "score" }, `score ${score(value)}`),
    );
  }

  #togglePlay(fromS) {
    if (this.player.isPlaying) this.player.pause();
    else this.player.play(fromS ?? this.player.currentS);
  }

  #redraw = () => this.#map.draw();

  #followPlayer = () => {
    if (!this.#taggram) return;
    const { isLoaded, hasFailed, isPlaying, currentS } = this.player;
    this.#play.hidden = !isLoaded;
    this.#hint.hidden = isLoaded || hasFailed;
    this.#shapes.play.classList.toggle("hidden", isPlaying);
    this.#shapes.stop.classList.toggle("hidden", !isPlaying);
    const verb = el("span", { className: "visually-hidden" }, isPlaying ? "Pause, " : "Play, ");
    const time = `${clock(currentS)} / ${clock(this.#taggram.duration_s)}`;
    if (this.#playWords.textContent !== verb.textContent + time) {
      this.#playWords.replaceChildren(verb, time);
    }
    // It would read out cell after cell.
    this.#readOut.ariaLive = isPlaying ? "off" : "polite";
    this.#map.playAt(isLoaded ? currentS : null);
  };

  #fillTable() {
    if (!this.#table.open || !this.#taggram) return;
    const [summary] = this.#table.children;
    const play = this.player.isLoaded ? (at) => this.player.play(at) : null;
    this.#table.replaceChildren(summary, ...tables(this.#taggram, play));
  }

  async #save(mediaType, ending) {
    const { trackId, vocabulary, pooling } = this.#shown;
    try {
      const wish = { vocabulary, pooling, top: ROWS };
      const file = await this.service.taggramFile(trackId, wish, mediaType);
      const url = URL.createObjectURL(file);
      const name = `taggram-${trackId.slice(0, 12)}-${vocabulary}.${ending}`;
      el("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // once the browser has read it
    } catch (error) {
      const { title, advice } = failure(error, null);
      this.#say(`${title}. ${advice}`);
    }
  }

  async #copyLink() {
    const { trackId, vocabulary, pooling } = this.#shown;
    const link = this.linkFor(trackId, vocabulary, pooling);
    try {
      await navigator.clipboard.writeText(link);
      this.#say("Link copied. It opens while we remember the track.");
    } catch {
      this.#link.hidden = false;
      this.#link.value = link;
      this.#link.select();
      this.#say("Copy this link. It opens while we remember the track.");
    }
  }

  #say(words) {
    this.#said.textContent = words;
    clearTimeout(this.#saying);
    this.#saying = setTimeout(() => (this.#said.textContent = ""), SAID_MS);
  }
}

/** The numbers for those who read tables; `play` is null where nothing can be played. */
function tables(taggram, play) {
  return [summary(taggram, play), overTime(taggram)];
}

function summary({ tags, pooled_scores: pooled, scores, times_s: times }, play) {
  const rows = tags.map((tag, row) => {
    const strongest = scores.reduce((best, now, at) => (now[row] > scores[best][row] ? at : best), 0);
    const words = `at ${clock(times[strongest])}`;
    const moment = play ? button("quiet", () => play(times[strongest]), words) : words;
    if (play) moment.ariaLabel = `Play ${tag} ${words}, where it is strongest`;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, tag),
      el("td", {}, score(pooled[row])),
      el("td", {}, moment),
    );
  });
  return table("Each tag in the whole track", ["Tag", "Score", "Strongest"], rows);
}

function overTime({ tags, scores, times_s: times }) {
  const rows = times.map((time, window) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, clock(time)),
      ...tags.map((_, row) => el("td", {}, score(scores[window][row]))),
    ),
  );
  return table("Each tag over time", ["Time", ...tags], rows);
}

/** A table in a region of its own, which scrolls by keys as well. */
function table(name, columns, rows) {
  return el(
    "div",
    { className: "table", part: "table", tabIndex: 0, role: "region", ariaLabel: name },
    el(
      "table",
      {},
      el("caption", {}, name),
      el("thead", {}, el("tr", {}, ...columns.map((column) => el("th", { scope: "col" }, column)))),
      el("tbody", {}, ...rows),
    ),
  );
}

if (!customElements.get("taggram-view")) customElements.define("taggram-view", TaggramView);
