/** Creates elements without markup in strings, so that names of tags and files stay text. */

/** Create an element; `properties` that it does not have become attributes. */
export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export function button(className, onclick, ...children) {
  return el("button", { type: "button", className, part: "button", onclick }, ...children);
}

/** Create a button with a text of words-en.js. */
export function textButton(className, onclick, key) {
  return el("button", { type: "button", className, part: "button", onclick, "data-say": key });
}

export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const line = document.createElementNS(svg.namespaceURI, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export const ICONS = {
  play: "M8 5.5v13l10.5-6.5z",
  stop: "M7 7h10v10H7z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  wave: "M3 12h1M7 8v8M11 4v16M15 9v6M19 6v12M22 12h-.5",
  close: "M7 7l10 10M17 7L7 17",
  more: "M10 7l5 5-5 5",
};
