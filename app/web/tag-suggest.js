/**
 * `<tag-suggest>`: an artist drops a track, gets the few tags that describe it, and takes what fits.
 * README shows how to embed it, and lists attributes, events and parts.
 */

import { Panel } from "./panel.js";
import { Refusal, Service } from "./service.js";
import { Choice, Feedback, Hearing, Player } from "./state.js";
import { style } from "./style.js";
import { failure } from "./words.js";

const MOST_SUGGESTED = 20;
const OUR_SERVICE = new URL("..", import.meta.url).href;
const TRACK_ID = /^[0-9a-f]{64}$/;

export class TagSuggest extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = ["endpoint", "token-url", "vocabulary", "max", "required"];

  #internals = this.attachInternals();
  #service = null;
  #limits = null;
  #player = new Player();
  #panel = new Panel(this.#player);
  #hearing = new Hearing();
  #choice = new Choice();
  #feedback = new Feedback();
  #view = null;
  #form = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [style];
    root.append(...this.#panel.elements);
    this.#internals.role = "group";
    this.#internals.ariaLabel = "Tags of your music";
    this.#choice.addEventListener("change", () => {
      this.#commit();
      this.#tell("changed", { tags: this.value });
    });
    this.#hearing.addEventListener("phase", () => this.#entered());
    this.#hearing.addEventListener("sent", ({ detail }) => this.#panel.sent(detail));
    this.#panel.addEventListener("file", ({ detail }) => this.#hear(detail));
    this.#panel.addEventListener("retry", () => this.#hear(this.#hearing.file));
    this.#panel.addEventListener("cancel", () => this.#hearing.cancel());
    this.#panel.addEventListener("toggle", ({ detail }) => this.#toggle(detail));
    this.#panel.addEventListener("add", ({ detail }) => this.#add(detail));
    this.#panel.addEventListener("view", () => this.#toggleView());
    this.#hearing.forget();
  }

  // What the host's form sees.

  /** @type {string[]} The chosen tags, in the order in which they were chosen. */
  get value() {
    return this.#choice.tags;
  }

  set value(tags) {
    this.#choice.replace([...new Set(tags)]);
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
    this.#connect();
    this.#openLinked();
  }

  disconnectedCallback() {
    this.#hearing.cancel();
    this.#player.pause();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    if (name === "max" || name === "required") this.#commit();
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
    this.#hearing.forget();
    this.#player.load(null);
    this.#panel.clearTyped();
    this.#choice.replace([]);
  }

  formStateRestoreCallback(state) {
    this.#choice.replace([...state.values()]);
  }

  // What happens inside.

  get #max() {
    const max = Number.parseInt(this.getAttribute("max") ?? "", 10);
    return max > 0 ? max : 5;
  }

  get #vocabulary() {
    return this.getAttribute("vocabulary") ?? "subgenres";
  }

  get #suggested() {
    return this.#hearing.answer?.suggestions.map(({ tag }) => tag) ?? [];
  }

  /** Learn what the service takes and knows. Where it does not say, the page helps less. */
  async #connect() {
    const endpoint = this.getAttribute("endpoint") ?? OUR_SERVICE;
    const service = new Service(endpoint, this.getAttribute("token-url"));
    this.#service = service;
    this.#commit();
    const [limits, vocabularies] = await Promise.allSettled([
      service.limits(),
      service.vocabularies(),
    ]);
    if (this.#service !== service) return;
    if (limits.value) this.#panel.limits = this.#limits = limits.value;
    const vocabulary = vocabularies.value?.find(({ name }) => name === this.#vocabulary);
    const words = vocabulary?.tags.map(({ tag }) => tag) ?? [];
    this.#panel.vocabulary = words;
    this.#choice.know(words);
  }

  #hear(file) {
    this.#player.load(file);
    const topK = Math.min(this.#max, MOST_SUGGESTED);
    this.#hearing.hear(file, this.#service, { vocabulary: this.#vocabulary, topK });
  }

  /** A track enters a phase. */
  #entered() {
    const { phase, answer, refusal, refusedWhile } = this.#hearing;
    this.#panel.show(this.#hearing, this.#limits);
    this.#showView(null);
    this.#panel.choose(this.#choice, this.#suggested);
    if (phase === "answered") {
      this.#choice.know(this.#suggested);
      this.#feedback.remember(answer);
      this.#tell("suggested", answer);
    } else if (phase === "refused" && refusal.kind !== "cancelled") {
      const { kind, detail, requestId } = refusal;
      this.#tell("error", { kind, phase: refusedWhile, detail, requestId });
    }
  }

  #toggle(tag) {
    if (!this.#choice.toggle(tag)) this.#panel.refuse(this.#choice);
    // It may be sent soon, while the page is being left: a token must be at hand.
    this.#service.refresh().catch(() => {});
  }

  #add(words) {
    if (words.every((word) => this.#choice.add(word))) this.#panel.clearTyped();
    else this.#panel.refuse(this.#choice);
  }

  /** Hand the choice to the form, and show it. */
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
      const message = `Choose at most ${this.#max}.`;
      this.#internals.setValidity({ rangeOverflow: true }, message, this.#panel.anchor);
    } else if (this.hasAttribute("required") && count === 0) {
      const message = "Choose at least one tag, or add your own.";
      this.#internals.setValidity({ valueMissing: true }, message, this.#panel.anchor);
    } else {
      this.#internals.setValidity({});
    }
  }

  #submitted = () => {
    if (this.matches(":disabled")) return;
    for (const feedback of this.#feedback.about(this.#choice.tags)) {
      // The artist's form matters more than what we learn from it.
      this.#service.giveFeedback(feedback).catch(() => {});
    }
  };

  // The taggram view, which is loaded when it is asked for.

  #toggleView() {
    const { track_id: trackId, vocabulary, pooling } = this.#hearing.answer;
    if (this.#view) this.#showView(null);
    else this.#openView(trackId, { vocabulary, pooling });
  }

  async #openView(trackId, shown) {
    const loaded = await import("./taggram-view.js").catch(() => null);
    if (!loaded) return this.#panel.showView(failure(new Refusal("unreachable"), null).title);
    const view = new loaded.TaggramView();
    Object.assign(view, {
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

  /** Links open the host's own page again: there is the form, and what may ask the service. */
  #linkFor(trackId, vocabulary, pooling) {
    const link = new URL(location.href);
    for (const [key, value] of Object.entries({ taggram: trackId, vocabulary, pooling })) {
      link.searchParams.set(`${this.name}-${key}`, value);
    }
    return link.href;
  }

  #openLinked() {
    const query = new URLSearchParams(location.search);
    const asked = (key) => query.get(`${this.name}-${key}`) ?? undefined;
    const trackId = asked("taggram");
    if (!TRACK_ID.test(trackId)) return;
    const vocabulary = asked("vocabulary") ?? this.#vocabulary;
    this.#openView(trackId, { vocabulary, pooling: asked("pooling") });
  }

  #tell(name, detail) {
    const event = new CustomEvent(`tag-suggest:${name}`, { detail, bubbles: true, composed: true });
    this.dispatchEvent(event);
  }
}

if (!customElements.get("tag-suggest")) customElements.define("tag-suggest", TagSuggest);
