/** The script of the demo page: shows the data of the form instead of sending it. */

import { hideCurators, showCurators } from "./curators.js";

const form = document.querySelector("#signup");
const submitted = document.querySelector("#submitted");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const rows = [...new Set(data.keys())].map((name) => {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    term.textContent = name;
    const values = data.getAll(name).map((value) => {
      const definition = document.createElement("dd");
      definition.textContent = value;
      return definition;
    });
    row.append(term, ...values);
    return row;
  });
  submitted.querySelector("dl").replaceChildren(...rows);
  submitted.hidden = false;
  submitted.focus();
  const { value, trackIds } = form.querySelector("tag-suggest");
  showCurators(value, trackIds);
});

form.addEventListener("reset", () => {
  submitted.hidden = true;
  hideCurators();
});
