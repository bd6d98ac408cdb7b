/** `<taggram-view>`: the scores of tags over time, inside `<tag-suggest>`. */

import { ICONS, button, el, icon, textButton } from "./dom.js";
import { FailurePanel } from "./phases.js";
import { Refusal } from "./service.js";
import { style } from "./style.js";
import { GRADIENT, TaggramMap } from "./taggram-map.js";

const ROWS = 15;
const STATUS_MS = 6000;
const DARK = matchMedia("(prefers-color-scheme: dark)");

const POOLINGS = ["mean", "majority", "majority_top1", "softmax", "softmax_tags"];
const MARKS = [0, 0.25, 1]; // the ends and the middle of the scale

/** Events: `choose` (the artist wants to choose a file). */
export class TaggramView extends HTMLElement {
  words;
  service;
  player;
  linkFor;

  #shown = null;
  #taggram = null;
  #vocabularies = [];
  #loading = null;
  #map = new TaggramMap({
    cell: () => this.#readCell(),
    seek: (seconds) => this.player.isLoaded && this.player.seek(seconds),
    play: (seconds) => this.player.play(seconds),
    toggle: (seconds) => this.#togglePlay(seconds),
  });
  #playWords = el("span");
  #shapes = { play: icon(ICONS.play), stop: icon(ICONS.stop) };
  #play = button("quiet play", () => this.#togglePlay(), ...Object.values(this.#shapes), this.#playWords);
  #vocabulary = el("select", { id: "vocabulary", onchange: () => this.#switch() });
  #pooling = el("select", { id: "pooling", onchange: () => this.#switch() });
  #readOut = el("p", { id: "read-out", className: "read-out", part: "read-out", ariaLive: "polite" });
  #hint = el("p", { className: "muted", "data-say": "choose_again" });
  #scale = el("span", { className: "scale" });
  #marks = el("span", { className: "marks" });
  #genreLegend = el("p", { className: "legend", "data-say": "genre_legend" });
  #status = el("p", { className: "muted", role: "status" });
  #statusTimer = 0;
  #link = el("input", { type: "text", readOnly: true, hidden: true, "data-label": "link" });
  #table = el("details", {}, el("summary", { "data-say": "table" }));
  #failure;
  #refusal = null;
  #body = el(
    "div",
    { className: "body" },
    el(
      "div",
      { className: "controls", part: "controls" },
      this.#play,
      el("label", { htmlFor: "vocabulary" }, el("span", { "data-say": "tags" }), this.#vocabulary),
      el("label", { htmlFor: "pooling" }, el("span", { "data-say": "score" }), this.#pooling),
    ),
    this.#map.element,
    el(
      "div",
      { className: "under" },
      this.#readOut,
      el(
        "div",
        { className: "legend", part: "legend" },
        el("span", { "data-say": "legend" }),
        this.#scale,
        this.#marks,
      ),
    ),
    this.#genreLegend,
    this.#hint,
    el(
      "div",
      { className: "actions" },
      textButton("quiet", () => this.#save("image/png", "png"), "save_picture"),
      textButton("quiet", () => this.#save("text/csv", "csv"), "save_table"),
      textButton("quiet", () => this.#copyLink(), "copy"),
    ),
    this.#link,
    this.#status,
    this.#table,
  );

  constructor(shared) {
    super();
    Object.assign(this, shared);
    this.#failure = new FailurePanel(
      this.words,
      () => this.#load(),
      () => this.dispatchEvent(new Event("choose")),
    );
    this.#failure.element.hidden = true;
    this.#map.words = this.words;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(this.#failure.element, this.#body);
    this.#scale.style.setProperty("background", GRADIENT);
    this.#pooling.append(...POOLINGS.map((value) => el("option", { value, "data-say": value })));
    this.#table.addEventListener("toggle", () => this.#fillTable());
  }

  connectedCallback() {
    for (const name of ["state", "time"]) this.player.addEventListener(name, this.#followPlayer);
    this.words.addEventListener("change", this.#translate);
    DARK.addEventListener("change", this.#redraw);
    this.#translate();
  }

  disconnectedCallback() {
    for (const name of ["state", "time"]) this.player.removeEventListener(name, this.#followPlayer);
    this.words.removeEventListener("change", this.#translate);
    DARK.removeEventListener("change", this.#redraw);
    this.#loading?.abort();
  }

  async show(trackId, { vocabulary, pooling }) {
    this.#shown = { trackId, vocabulary, pooling: POOLINGS.includes(pooling) ? pooling : "mean" };
    this.#vocabularies = await this.service.vocabularies().catch(() => []);
    this.#fillVocabularies();
    await this.#load();
  }

  #translate = () => {
    this.#body.lang = this.#failure.element.lang = this.words.language;
    this.words.translate(this.shadowRoot);
    this.#marks.replaceChildren(...MARKS.map((score) => el("span", {}, this.words.number(score))));
    this.#fillVocabularies();
    if (this.#refusal) this.#failure.show(this.#refusal);
    else if (this.#taggram) this.#draw(this.#taggram);
  };

  async #load() {
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    this.#body.ariaBusy = true;
    try {
      const query = { ...this.#query, include: "peaks" };
      const response = await this.service.taggram(query, "application/json", loading.signal);
      const taggram = await response.json();
      if (this.#loading === loading) this.#draw(taggram);
    } catch (error) {
      if (this.#loading === loading) this.#refuse(error);
    }
  }

  get #query() {
    const { trackId, vocabulary, pooling } = this.#shown;
    return { track_id: trackId, vocabulary, pooling, top: ROWS };
  }

  #draw(taggram) {
    this.#taggram = taggram;
    this.#refusal = null;
    this.#failure.element.hidden = true;
    this.#failure.clear();
    this.#body.hidden = false;
    this.#body.ariaBusy = false;
    this.#vocabulary.value = this.#shown.vocabulary;
    this.#pooling.value = this.#shown.pooling;
    this.#map.show(this.#named(taggram));
    this.#genreLegend.hidden = !taggram.levels.includes("genre");
    this.#fillTable();
    this.#followPlayer();
  }

  #refuse(error) {
    if (!(error instanceof Refusal)) reportError(error); // a bug in the page
    const refusal = error instanceof Refusal ? error : new Refusal("page_error");
    if (refusal.kind === "cancelled") return;
    this.#body.hidden = true;
    this.#failure.element.hidden = false;
    this.#refusal = refusal;
    this.#failure.show(refusal);
  }

  #fillVocabularies() {
    if (!this.#shown) return;
    const known = this.#vocabularies.filter(({ tags }) => tags.some(({ covered }) => covered));
    const names = new Set([...known.map(({ name }) => name), "raw", this.#shown.vocabulary]);
    this.#vocabulary.replaceChildren(
      ...[...names].map((value) => el("option", { value }, this.words.say(`in_${value}`) ?? value)),
    );
    this.#vocabulary.value = this.#shown.vocabulary;
  }

  /** Return a taggram with labels of its rows in the page's language, and names with genres marked. */
  #named(taggram) {
    const known = this.#vocabularies.find(({ name }) => name === taggram.vocabulary);
    const entries = [...(known?.tags ?? []), ...(known?.genres ?? [])];
    const labels = taggram.tags.map((tag, row) => {
      const found = entries.find((entry) => entry.tag === tag);
      return this.words.label(found?.labels, taggram.labels[row]);
    });
    const names = labels.map((tag, row) =>
      taggram.levels[row] === "genre" ? this.words.say("genre", { tag }) : tag,
    );
    return { ...taggram, labels, names };
  }

  #switch() {
    const { trackId } = this.#shown;
    this.#link.hidden = true;
    this.#shown = { trackId, vocabulary: this.#vocabulary.value, pooling: this.#pooling.value };
    this.#load();
  }

  #readCell() {
    const { words } = this;
    const { name, startS, endS, score } = this.#map.cell;
    this.#readOut.replaceChildren(
      el("strong", {}, name),
      ` ${words.clock(startS)}–${words.clock(endS)} `,
      el("span", { className: "score" }, words.say("score_of", { score: words.score(score) })),
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
    const { words } = this;
    const verb = el("span", { className: "visually-hidden" }, words.say(isPlaying ? "pause" : "play"));
    const time = `${words.clock(currentS)} / ${words.clock(this.#taggram.duration_s)}`;
    if (this.#playWords.textContent !== verb.textContent + time) {
      this.#playWords.replaceChildren(verb, time);
    }
    // During playback a screen reader would read out each cell.
    this.#readOut.ariaLive = isPlaying ? "off" : "polite";
    this.#map.playAt(isLoaded ? currentS : null);
  };

  #fillTable() {
    if (!this.#table.open || !this.#taggram) return;
    const [summary] = this.#table.children;
    const play = this.player.isLoaded ? (at) => this.player.play(at) : null;
    const taggram = this.#named(this.#taggram);
    this.#table.replaceChildren(
      summary,
      summaryTable(this.words, taggram, play),
      timeTable(this.words, taggram),
    );
  }

  async #save(mediaType, ending) {
    const { trackId, vocabulary } = this.#shown;
    try {
      const response = await this.service.taggram(this.#query, mediaType);
      const url = URL.createObjectURL(await response.blob());
      const name = `taggram-${trackId.slice(0, 12)}-${vocabulary}.${ending}`;
      el("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // after the browser has read it
    } catch (error) {
      const { title, advice } = this.words.failure(error);
      this.#say(`${title}. ${advice}`);
    }
  }

  async #copyLink() {
    const { trackId, vocabulary, pooling } = this.#shown;
    const link = this.linkFor(trackId, vocabulary, pooling);
    try {
      await navigator.clipboard.writeText(link);
      this.#say(this.words.say("copied"));
    } catch {
      this.#link.hidden = false;
      this.#link.value = link;
      this.#link.select();
      this.#say(this.words.say("copy_by_hand"));
    }
  }

  #say(words) {
    this.#status.textContent = words;
    clearTimeout(this.#statusTimer);
    this.#statusTimer = setTimeout(() => (this.#status.textContent = ""), STATUS_MS);
  }
}

/** @param {Function|null} play Plays from a time; null if there is no file to play. */
function summaryTable(words, { names, pooled_scores: pooled, scores, times_s: times }, play) {
  const rows = names.map((tag, row) => {
    const strongest = scores.reduce((best, now, at) => (now[row] > scores[best][row] ? at : best), 0);
    const time = words.clock(times[strongest]);
    const said = words.say("at", { time });
    const moment = play ? button("quiet", () => play(times[strongest]), said) : said;
    if (play) moment.ariaLabel = words.say("play_strongest", { tag, time });
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, tag),
      el("td", {}, words.score(pooled[row])),
      el("td", {}, moment),
    );
  });
  const columns = ["tag", "score", "strongest"].map((key) => words.say(key));
  return table(words.say("summary"), columns, rows);
}

function timeTable(words, { names, scores, times_s: times }) {
  const rows = times.map((time, window) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, words.clock(time)),
      ...names.map((_, row) => el("td", {}, words.score(scores[window][row]))),
    ),
  );
  return table(words.say("over_time"), [words.say("time"), ...names], rows);
}

/** Create a table in a region that can be scrolled by keyboard. */
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
