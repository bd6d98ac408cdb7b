/** `<tag-suggest>`; docs/signup-element.md lists its attributes, events and parts. */

import { Analysis, PooledAnalysis } from "./analysis.js";
import { Panel } from "./panel.js";
import { Refusal, Service } from "./service.js";
import { Choice, Feedback, Player, Vocabulary } from "./state.js";
import { style } from "./style.js";
import { Words } from "./words.js";

const MOST_SUGGESTED = 20;

/**
 * The lowest score of a suggestion. .5 means as likely as in the training data. With it, 22 of 44
 * free songs get one chip and two get none, as do 5 of 409 labelled excerpts.
 */
const THRESHOLD = 0.5;

const OUR_SERVICE = new URL("..", import.meta.url).href;
const TRACK_ID = /^[0-9a-f]{64}$/;

export class TagSuggest extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = ["endpoint", "token-url", "vocabulary", "max", "multiple", "required"];

  #internals = this.attachInternals();
  #service = null;
  #limits = null;
  #words = new Words();
  #ownWords = {};
  #vocabulary = new Vocabulary(this.#words);
  #player = new Player();
  #panel = new Panel(this.#words, this.#vocabulary, this.#player, {
    files: (files) => this.#take(files),
    remove: (track) => this.#pooled.remove(track),
    retry: () => this.#analyse(),
    cancel: () => this.#analysis.cancel(),
    toggle: (tag) => this.#toggle(tag),
    add: (tags) => this.#add(tags),
    view: () => this.#toggleView(),
  });
  #on = {
    phase: () => this.#entered(),
    sent: () => this.#panel.sent(this.#analysis),
    listed: () => this.#panel.showTracks(this.#pooled, this.#limits),
  };
  #single = new Analysis(this.#on);
  #pooled = new PooledAnalysis(this.#on);
  #choice = new Choice(() => {
    this.#commit();
    this.#tell("changed", { tags: this.value, trackIds: this.trackIds });
  });
  #feedback = new Feedback();
  #view = null;
  #form = null;
  #language = "";
  #languageReady = null;
  #languages = new MutationObserver(() => {
    if (languageOf(this) !== this.#language) this.#setLanguage();
  });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [style];
    root.append(...this.#panel.elements);
    this.#internals.role = "group";
    this.#words.addEventListener("change", () => this.#translate());
    this.#analysis.forget();
    const { words } = this; // set before this class was defined
    if (Object.hasOwn(this, "words") && delete this.words) this.words = words;
  }

  get value() {
    return this.#choice.tags;
  }

  set value(tags) {
    this.#choice.replace([...new Set(tags)]);
  }

  /** The ids of the analysed tracks, SHA-256 of their files. */
  get trackIds() {
    return this.#analysis.answers.map(({ track_id: trackId }) => trackId);
  }

  /** @type {object} The host's texts, by the keys of words-en.js. */
  get words() {
    return this.#ownWords;
  }

  set words(words) {
    this.#ownWords = words ?? {};
    if (this.isConnected) this.#setLanguage();
  }

  get name() {
    return this.getAttribute("name") ?? "";
  }

  get form() {
    return this.#internals.form;
  }

  get validity() {
    return this.#internals.validity;
  }

  get validationMessage() {
    return this.#internals.validationMessage;
  }

  get willValidate() {
    return this.#internals.willValidate;
  }

  checkValidity() {
    return this.#internals.checkValidity();
  }

  reportValidity() {
    return this.#internals.reportValidity();
  }

  connectedCallback() {
    for (let root = this.getRootNode(); root; root = root.host?.getRootNode()) {
      this.#languages.observe(root, { subtree: true, attributeFilter: ["lang"] });
    }
    this.#panel.isMultiple = this.#isMultiple;
    this.#setLanguage();
    this.#connect();
    this.#openLinked();
  }

  disconnectedCallback() {
    this.#languages.disconnect();
    this.#analysis.cancel();
    this.#player.pause();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    if (name === "max" || name === "required") this.#commit();
    else if (name === "multiple") this.#switchMultiple();
    else this.#connect();
  }

  formAssociatedCallback(form) {
    this.#form?.removeEventListener("submit", this.#submitted);
    this.#form = form;
    form?.addEventListener("submit", this.#submitted);
  }

  formDisabledCallback(isDisabled) {
    this.#panel.isDisabled = isDisabled;
  }

  formResetCallback() {
    this.#feedback.forget();
    this.#forget();
    this.#panel.clearTyped();
    this.#choice.replace([]);
  }

  formStateRestoreCallback(state) {
    this.#choice.replace([...state.values()]);
  }

  get #isMultiple() {
    return this.hasAttribute("multiple");
  }

  get #analysis() {
    return this.#isMultiple ? this.#pooled : this.#single;
  }

  get #max() {
    const max = Number.parseInt(this.getAttribute("max") ?? "", 10);
    return max > 0 ? max : 5;
  }

  get #threshold() {
    const threshold = Number.parseFloat(this.getAttribute("threshold") ?? "");
    return threshold >= 0 && threshold <= 1 ? threshold : THRESHOLD;
  }

  get #vocabularyName() {
    return this.getAttribute("vocabulary") ?? "subgenres";
  }

  get #suggested() {
    return this.#analysis.answer?.suggestions.map(({ tag }) => tag) ?? [];
  }

  /** Fetch limits and vocabulary; without them the element still works. */
  async #connect() {
    const endpoint = this.getAttribute("endpoint") ?? OUR_SERVICE;
    const service = new Service(endpoint, this.getAttribute("token-url"));
    this.#service = service;
    this.#commit();
    const [limits, vocabularies] = await Promise.allSettled([
      service.limits(),
      service.vocabularies(),
      this.#languageReady,
    ]);
    if (this.#service !== service) return;
    this.#limits = limits.value ?? this.#limits;
    const vocabulary = vocabularies.value?.find(({ name }) => name === this.#vocabularyName);
    this.#vocabulary.offer([...(vocabulary?.tags ?? []), ...(vocabulary?.genres ?? [])]);
    this.#translate();
  }

  #setLanguage() {
    this.#language = languageOf(this);
    this.#languageReady = this.#words.setLanguage(this.#language, this.#ownWords);
  }

  #translate() {
    this.#internals.ariaLabel = this.#words.say("element");
    this.#panel.translate(this.#analysis, this.#limits);
    this.#commit();
  }

  #take(files) {
    if (this.#isMultiple) return this.#pooled.add(files, this.#service);
    [this.#single.file] = files;
    this.#analyse();
  }

  #switchMultiple() {
    this.#panel.isMultiple = this.#isMultiple;
    this.#forget();
    this.#translate();
  }

  #forget() {
    this.#single.forget();
    this.#pooled.forget();
    this.#player.load(null);
  }

  #analyse() {
    this.#player.load(this.#single.file);
    const topK = Math.min(this.#max, MOST_SUGGESTED);
    const parameters = { vocabulary: this.#vocabularyName, topK, threshold: this.#threshold };
    this.#analysis.analyse(this.#service, parameters);
  }

  #entered() {
    const { phase, answer, answers, refusal, refusedWhile } = this.#analysis;
    if (phase === "answered") {
      for (const { suggestions } of [answer, ...answers]) this.#vocabulary.know(suggestions);
    }
    this.#panel.show(this.#analysis, this.#limits);
    this.#showView(null);
    this.#panel.choose(this.#choice, this.#suggested);
    if (phase === "answered") {
      if (!this.#isMultiple) this.#feedback.remember(answer);
      this.#tell("suggested", answer);
    } else if (phase === "refused" && refusal.kind !== "cancelled") {
      const { kind, detail, requestId } = refusal;
      this.#tell("error", { kind, phase: refusedWhile, detail, requestId });
    }
  }

  #toggle(tag) {
    if (!this.#choice.toggle(tag)) this.#panel.refuse(this.#choice);
    // Get a token for the feedback in time: it may be sent while the page is closed.
    this.#service.refresh().catch(() => {});
  }

  #add(tags) {
    if (tags.every((tag) => this.#choice.add(tag))) this.#panel.clearTyped();
    else this.#panel.refuse(this.#choice);
  }

  #commit() {
    const { tags } = this.#choice;
    this.#choice.max = this.#max;
    const data = new FormData();
    for (const tag of tags) data.append(this.name, tag);
    this.#internals.setFormValue(this.name && tags.length ? data : null, data);
    this.#validate(tags.length);
    this.#panel.choose(this.#choice, this.#suggested);
  }

  #validate(count) {
    if (count > this.#max) {
      const message = this.#words.say("at_most", { count: this.#max });
      this.#internals.setValidity({ rangeOverflow: true }, message, this.#panel.anchor);
    } else if (this.hasAttribute("required") && count === 0) {
      const message = this.#words.say("required");
      this.#internals.setValidity({ valueMissing: true }, message, this.#panel.anchor);
    } else {
      this.#internals.setValidity({});
    }
  }

  #submitted = () => {
    if (this.matches(":disabled")) return;
    for (const feedback of this.#feedback.about(this.#choice.tags)) {
      this.#service.giveFeedback(feedback).catch(() => {});
    }
  };

  #toggleView() {
    const { track_id: trackId, vocabulary, pooling } = this.#analysis.answer;
    if (this.#view) this.#showView(null);
    else this.#openView(trackId, { vocabulary, pooling });
  }

  async #openView(trackId, shown) {
    const loaded = await import("./taggram-view.js").catch(() => null);
    if (!loaded) return this.#panel.showView(this.#words.failure(new Refusal("unreachable")).title);
    const view = new loaded.TaggramView({
      words: this.#words,
      service: this.#service,
      player: this.#player,
      linkFor: (...what) => this.#linkFor(...what),
    });
    view.addEventListener("choose", () => this.#panel.openChooser());
    this.#showView(view);
    await view.show(trackId, shown);
  }

  #showView(view) {
    this.#view = view;
    this.#panel.showView(view);
  }

  /** Return a link to the host's page, whose origin may call the service. */
  #linkFor(trackId, vocabulary, pooling) {
    const link = new URL(location.href);
    for (const [key, value] of Object.entries({ taggram: trackId, vocabulary, pooling })) {
      link.searchParams.set(`${this.name}-${key}`, value);
    }
    return link.href;
  }

  #openLinked() {
    const query = new URLSearchParams(location.search);
    const parameter = (key) => query.get(`${this.name}-${key}`) ?? undefined;
    const trackId = parameter("taggram");
    if (!TRACK_ID.test(trackId)) return;
    const vocabulary = parameter("vocabulary") ?? this.#vocabularyName;
    this.#openView(trackId, { vocabulary, pooling: parameter("pooling") });
  }

  #tell(name, detail) {
    const event = new CustomEvent(`tag-suggest:${name}`, { detail, bubbles: true, composed: true });
    this.dispatchEvent(event);
  }
}

/** Return the nearest `lang`, across shadow roots. */
function languageOf(element) {
  const { host } = element.getRootNode();
  return element.closest("[lang]")?.lang ?? (host ? languageOf(host) : "");
}

if (!customElements.get("tag-suggest")) customElements.define("tag-suggest", TagSuggest);
