/** The second step of the demo page: curators who might like the artist's tracks. */

import { el } from "./dom.js";

const MOST = 5;
const VOCABULARY = "subgenres";
const MOST_SHARED = 4;

/** Answers without a second step: there is no recommender, or the page has no token. */
const ABSENT = ["/problems/no_recommender", "/problems/unauthorized", "/problems/forbidden"];

const score = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const names = new Intl.ListFormat("en", { type: "conjunction" });

const section = document.querySelector("#curators");
const basis = section.querySelector("#basis");
const list = section.querySelector("ol");
const source = section.querySelector("#source");
const found = document.querySelector("#found");
let request = null;

export function hideCurators() {
  request?.abort();
  section.hidden = true;
  found.textContent = "";
}

/** Show the curators for an artist; without a recommender there is nothing to see. */
export async function showCurators(tags, trackIds) {
  hideCurators();
  const { signal } = (request = new AbortController());
  try {
    const labels = await fetchLabels(signal);
    const subgenres = tags.filter((tag) => labels.subgenres.has(tag));
    if (!subgenres.length && !trackIds.length) return;
    const response = await recommend({ subgenres, track_ids: trackIds }, signal);
    const answer = await response.json();
    if (ABSENT.includes(answer.type)) return;
    if (!response.ok) throw new Error(answer.detail);
    show(answer, subgenres, (tag) => labels.all.get(tag) ?? tag);
  } catch {
    if (!signal.aborted) fail();
  }
}

function recommend(artist, signal) {
  return fetch("recommendations", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ artist, k: MOST }),
    signal,
  });
}

/** Return the labels of all tags, and the subgenres that an artist can choose. */
async function fetchLabels(signal) {
  const response = await fetch("vocabularies", { signal });
  const vocabularies = await response.json();
  const all = vocabularies.flatMap(({ tags }) => tags);
  const subgenres = vocabularies.find(({ name }) => name === VOCABULARY)?.tags ?? [];
  return {
    all: new Map(all.map(({ tag, labels }) => [tag, labels.en ?? tag])),
    subgenres: new Set(subgenres.map(({ tag }) => tag)),
  };
}

function fail() {
  list.replaceChildren();
  source.textContent = "";
  basis.textContent = "The recommendations could not be loaded. Sign up again to try once more.";
  reveal(basis.textContent);
}

function show({ curators, cold, tracks_used: tracks, recommender, model }, subgenres, label) {
  const used = [
    ...(tracks ? [tracks === 1 ? "your track" : "your tracks"] : []),
    ...(subgenres.length ? ["your tags"] : []),
  ];
  basis.textContent = cold
    ? `By content only: ${names.format(used)}. A new artist has no history with curators.`
    : "By your tracks, your tags, and what curators answered before.";
  list.replaceChildren(...curators.map((curator) => itemOf(curator, label)));
  source.textContent =
    (recommender.name.startsWith("demo-") ? "These curators and their tracks are made up. " : "") +
    `They come from ${recommender.name}, version ${recommender.version} (${model}).`;
  reveal(`${curators.length} curators found.`);
}

function reveal(words) {
  section.hidden = false;
  found.textContent = words;
}

function itemOf({ curator_id: name, score: match, reasons: { subgenres, tags, tracks } }, label) {
  return el(
    "li",
    {},
    el(
      "div",
      { className: "curator" },
      el("h3", {}, name),
      el("p", { className: "match" }, "match ", el("strong", {}, score.format(match))),
      bar(match),
    ),
    ...(subgenres.length ? [el("p", {}, `Likes ${names.format(subgenres.map(label))}, which you chose.`)] : []),
    ...(tags.length ? [sharedTable(tags.slice(0, MOST_SHARED), label)] : []),
    ...(tracks.length ? [el("p", {}, "Accepted, and most like yours: ", titles(tracks))] : []),
  );
}

/** Return a table of tags, with the scores of both as numbers and as bars. */
function sharedTable(tags, label) {
  const head = ["In common", "you", "curator"].map((text) => el("th", { scope: "col" }, text));
  const rows = tags.map(({ tag, artist, curator }) =>
    el("tr", {}, el("th", { scope: "row" }, label(tag)), cell(artist), cell(curator)),
  );
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
}

function cell(value) {
  return el("td", {}, score.format(value), bar(value));
}

function bar(value) {
  const node = el("span", { className: "share", "aria-hidden": "true" });
  node.style.setProperty("--share", Math.min(Math.max(value, 0), 1));
  return node;
}

function titles(tracks) {
  const shown = tracks.map(({ external_id: id, similarity }) => `${id} (${score.format(similarity)})`);
  return names.format(shown);
}
