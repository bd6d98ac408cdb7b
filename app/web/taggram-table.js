/** The numbers of a heat map for those who read tables. */

import { button, el } from "./dom.js";
import { clock, score } from "./words.js";

/**
 * @param {object} taggram What `GET /taggram` answered.
 * @param {(seconds: number) => void} play
 */
export function tables(taggram, play) {
  return [summary(taggram, play), overTime(taggram)];
}

function summary({ tags, pooled_scores: pooled, scores, times_s: times }, play) {
  const rows = tags.map((tag, row) => {
    const strongest = scores.reduce((best, now, at) => (now[row] > scores[best][row] ? at : best), 0);
    const moment = button("quiet", () => play(times[strongest]), `at ${clock(times[strongest])}`);
    moment.ariaLabel = `${tag} is strongest at ${clock(times[strongest])}`;
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
