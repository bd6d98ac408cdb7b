/** The style sheet. docs/signup-element.md lists what a host may change: `--tag-suggest-*`, `::part()`. */
export const style = new CSSStyleSheet();

style.replaceSync(`
:host {
  --ts-text: var(--tag-suggest-text, light-dark(#1c1b22, #ecebf2));
  --ts-muted: var(--tag-suggest-muted, light-dark(#5d5a6b, #a9a6b8));
  --ts-background: var(--tag-suggest-background, light-dark(#fff, #17161d));
  --ts-surface: var(--tag-suggest-surface, light-dark(#f6f5fa, #211f2a));
  --ts-line: var(--tag-suggest-line, light-dark(#dcd9e6, #3a3747));
  --ts-accent: var(--tag-suggest-accent, light-dark(#5b3df5, #a793ff));
  --ts-on-accent: var(--tag-suggest-on-accent, light-dark(#fff, #17161d));
  --ts-danger: var(--tag-suggest-danger, light-dark(#b3261e, #ffb4ab));
  --ts-radius: var(--tag-suggest-radius, 12px);
  --ts-corner: calc(var(--ts-radius) * .75);
  --ts-edge: color-mix(in oklab, var(--ts-muted) 75%, var(--ts-background));
  --ts-tint: color-mix(in oklab, var(--ts-accent) 9%, var(--ts-background));
  display: block;
  color: var(--ts-text);
  line-height: 1.45;
  text-align: start;
}

:host([hidden]), [hidden], .hidden { display: none !important; }

*, ::before, ::after { box-sizing: border-box; }

p, h3, ul { margin: 0; padding: 0; list-style: none; }

button, input { font: inherit; color: inherit; letter-spacing: inherit; }

:focus-visible { outline: 2px solid var(--ts-accent); outline-offset: 2px; }

.frame {
  display: grid;
  gap: 16px;
  min-width: 0;
  margin: 0;
  padding: 16px;
  border: 1px solid var(--ts-line);
  border-radius: var(--ts-radius);
  background: var(--ts-background);
}

.frame > * { min-width: 0; }

.frame:disabled { opacity: .55; }

.muted, .hint { color: var(--ts-muted); font-size: .875em; }

.title, .strong, .link, .track-name, .status, .tag, .token, summary, th { font-weight: 600; }

h3 { font-size: 1em; }

.icon {
  flex: none;
  width: 20px;
  height: 20px;
  fill: none;
  stroke: currentColor;
  stroke-width: 2;
  stroke-linecap: round;
  stroke-linejoin: round;
}

.visually-hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  margin: -1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

button { cursor: pointer; }

button:disabled, [aria-disabled="true"] { cursor: not-allowed; }

.quiet, .strong, .stretch {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  gap: 6px;
  min-height: 36px;
  padding: 6px 14px;
  font-size: .9375em;
}

.quiet, .strong {
  border: 1px solid var(--ts-edge);
  border-radius: var(--ts-corner);
  background: transparent;
}

.quiet:hover:enabled { background: var(--ts-surface); }

.strong {
  border-color: transparent;
  background: var(--ts-accent);
  color: var(--ts-on-accent);
}

.strong[aria-disabled="true"] {
  border-color: var(--ts-line);
  background: none;
  color: var(--ts-muted);
  font-variant-numeric: tabular-nums;
}

.link {
  display: inline-flex;
  align-items: center;
  justify-self: start;
  gap: 4px;
  min-height: 32px;
  padding: 4px 0;
  border: 0;
  background: none;
  color: var(--ts-accent);
  text-align: start;
}

.link .icon { margin-inline-start: -4px; transition: transform .15s; }

.link[aria-expanded="true"] .icon { transform: rotate(90deg); }

.actions { display: flex; flex-wrap: wrap; gap: 8px; }

.drop-zone { position: relative; }

.drop {
  display: grid;
  justify-items: center;
  gap: 2px;
  padding: 28px 16px 24px;
  border: 1.5px dashed var(--ts-edge);
  border-radius: var(--ts-corner);
  background: var(--ts-surface);
  text-align: center;
  cursor: pointer;
}

.drop .icon { width: 32px; height: 32px; margin-bottom: 8px; color: var(--ts-accent); }

.drop .hint { margin-top: 8px; min-height: 1.45em; }

.drop:hover, .dragged .drop { border-color: var(--ts-accent); background: var(--ts-tint); }

.dragged { outline: 2px solid var(--ts-accent); outline-offset: -2px; }

.drop-zone input:focus-visible + .drop { outline: 2px solid var(--ts-accent); outline-offset: 2px; }

.frame:disabled .drop { cursor: not-allowed; }

.track { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; }

.track > .icon { color: var(--ts-accent); }

.track-words { flex: 1 1 10em; min-width: 0; }

.track-name {
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
}

.track-list { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; }

.tracks { display: grid; grid-template-columns: minmax(0, 1fr); }

.tracks .track { padding-block: 8px; border-top: 1px solid var(--ts-line); }

.tracks .track:last-child { border-bottom: 1px solid var(--ts-line); }

.remove { min-width: 36px; padding: 6px; }

.remove .icon { width: 18px; height: 18px; }

.track-result { flex: 1 0 100%; padding-inline-start: 32px; overflow-wrap: anywhere; }

.track-result .title { color: var(--ts-danger); font-size: .9375em; }

.progress {
  display: grid;
  grid-template-columns: auto 1fr auto;
  align-items: center;
  gap: 12px;
  min-height: 76px;
}

.progress-words { grid-column: 2; min-width: 0; font-variant-numeric: tabular-nums; }

.bars[hidden] + .progress-words { grid-column: 1 / 3; }

.bar {
  grid-column: 1 / -1;
  height: 6px;
  overflow: hidden;
  border-radius: 3px;
  background: var(--ts-line);
}

.bar::before {
  content: "";
  display: block;
  height: 100%;
  border-radius: 3px;
  background: var(--ts-accent);
  transform: translateX(calc((var(--share, 0) - 1) * 100%));
  transition: transform .2s;
}

.bars { display: flex; align-items: center; gap: 3px; height: 28px; }

.bars i {
  width: 4px;
  height: 100%;
  border-radius: 2px;
  background: var(--ts-accent);
  transform: scaleY(.35);
  animation: listen 1s ease-in-out infinite alternate;
}

.bars i:nth-child(2n) { animation-delay: -.7s; }
.bars i:nth-child(3n) { animation-delay: -.3s; }

@keyframes listen { to { transform: scaleY(1); } }

.failure, .not-sure {
  display: grid;
  gap: 12px;
  padding: 12px 16px;
  border-inline-start: 4px solid var(--ts-danger);
  border-radius: 4px;
  background: var(--ts-surface);
}

.failure-words, .not-sure { display: grid; gap: 4px; }

.failure .title { color: var(--ts-danger); }

.failure.calm, .not-sure { border-color: var(--ts-edge); }

.failure.calm .title { color: inherit; }

.answer { display: grid; gap: 12px; }

.suggestions { display: grid; gap: 8px; }

.suggestions li {
  display: flex;
  flex-wrap: wrap;
  overflow: hidden;
  border: 1px solid var(--ts-edge);
  border-radius: var(--ts-corner);
}

.suggestions li:has([aria-pressed="true"]) {
  border-color: var(--ts-accent);
  background: var(--ts-tint);
  box-shadow: inset 0 0 0 1px var(--ts-accent);
}

.suggestions li:has([aria-disabled="true"]) { border-color: var(--ts-line); }

.suggestions :focus-visible { outline-offset: -4px; border-radius: var(--ts-corner); }

.suggestion, .stretch { border: 0; background: none; }

.suggestion:hover:enabled, .stretch:hover:enabled {
  background: color-mix(in oklab, var(--ts-muted) 8%, transparent);
}

.suggestion {
  position: relative;
  display: grid;
  flex: 1 1 18em;
  grid-template-columns: auto 1fr auto;
  align-items: center;
  gap: 2px 10px;
  min-width: 0;
  min-height: 48px;
  padding: 8px 14px;
  text-align: start;
}

.suggestion[aria-disabled="true"] { color: var(--ts-muted); }

.tick {
  display: grid;
  width: 20px;
  height: 20px;
  place-items: center;
  border: 1.5px solid var(--ts-edge);
  border-radius: 6px;
}

.tick .icon { width: 14px; height: 14px; stroke-width: 3; visibility: hidden; }

[aria-pressed="true"] .tick {
  border-color: var(--ts-accent);
  background: var(--ts-accent);
  color: var(--ts-on-accent);
}

[aria-pressed="true"] .tick .icon { visibility: visible; }

.suggestion-words { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 10px; min-width: 0; }

.tag { overflow-wrap: anywhere; }

.note, .strength, .score { color: var(--ts-muted); font-size: .875em; }

.score { font-variant-numeric: tabular-nums; }

.meter {
  position: absolute;
  inset: auto 14px 4px 44px;
  height: 3px;
  border-radius: 2px;
  background:
    linear-gradient(var(--ts-accent) 0 0) 0 / calc(var(--score) * 100%) 100% no-repeat
    color-mix(in oklab, var(--ts-muted) 18%, transparent);
}

.stretch {
  flex: 0 1 auto;
  justify-content: flex-start;
  min-width: 12.5em;
  min-height: 40px;
  padding: 6px 14px;
  color: var(--ts-muted);
  font-size: .875em;
  font-variant-numeric: tabular-nums;
  white-space: nowrap;
}

.stretch .icon { width: 18px; height: 18px; color: var(--ts-accent); fill: currentColor; }

.own { display: grid; grid-template-columns: minmax(0, 1fr); gap: 8px; }

.own-entry { position: relative; display: flex; gap: 8px; }

.own-entry input {
  flex: 1;
  min-width: 0;
  min-height: 40px;
  padding: 8px 12px;
  border: 1px solid var(--ts-edge);
  border-radius: var(--ts-corner);
  background: var(--ts-background);
}

.options {
  position: absolute;
  inset: calc(100% + 4px) 0 auto;
  z-index: 1;
  max-height: 17em;
  padding: 4px;
  overflow: auto;
  border: 1px solid var(--ts-line);
  border-radius: var(--ts-corner);
  background: var(--ts-background);
  box-shadow: 0 8px 24px rgb(0 0 0 / .18);
}

.options li { padding: 8px; border-radius: 6px; cursor: pointer; }

.options li:hover { background: var(--ts-surface); }

.options [aria-selected="true"] { background: var(--ts-accent); color: var(--ts-on-accent); }

.own-tags { display: flex; flex-wrap: wrap; gap: 8px; }

.token {
  display: inline-flex;
  align-items: center;
  gap: 6px;
  min-height: 36px;
  padding: 4px 8px 4px 14px;
  border: 1px solid var(--ts-accent);
  border-radius: 18px;
  background: var(--ts-tint);
  overflow-wrap: anywhere;
}

.token .icon { width: 16px; height: 16px; }

.count { font-variant-numeric: tabular-nums; }

.count.warning { color: var(--ts-danger); }

.body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; transition: opacity .15s; }

.body[aria-busy="true"] { opacity: .5; }

.controls { display: flex; flex-wrap: wrap; align-items: end; gap: 8px 16px; }

.controls label { display: grid; flex: 1 1 9em; gap: 4px; min-width: 0; color: var(--ts-muted); font-size: .8125em; }

select, input[readonly] {
  width: 100%;
  min-height: 36px;
  padding: 4px 8px;
  border: 1px solid var(--ts-edge);
  border-radius: var(--ts-corner);
  background: var(--ts-background);
  color: var(--ts-text);
  font: inherit;
  font-size: .9375rem;
}

.play { min-width: 10em; font-variant-numeric: tabular-nums; }

.play .icon { width: 18px; height: 18px; color: var(--ts-accent); fill: currentColor; }

.map {
  position: relative;
  height: var(--height, 418px);
  forced-color-adjust: none; /* colours carry the scores */
  overflow: hidden;
  border-radius: 4px;
  color: var(--ts-text);
  cursor: crosshair;
  touch-action: pan-y;
  user-select: none;
}

canvas { display: block; width: 100%; height: 100%; }

/* Their colours are those that the canvas asks for. */
.cursor, .playhead { position: absolute; top: 0; left: 0; pointer-events: none; }

.cursor {
  color: var(--ts-muted);
  width: max(var(--w, 0px), 4px);
  height: 21px;
  border-radius: 2px;
  box-shadow: 0 0 0 1.5px #fff, 0 0 0 3px #000;
  opacity: 0;
  transform: translate(var(--x, 0px), var(--y, 0px));
}

.map:hover .cursor, .map:focus-visible .cursor { opacity: 1; }

.playhead {
  color: var(--ts-accent);
  width: 2px;
  height: calc(100% - 20px);
  background: var(--ts-text);
  box-shadow: 0 0 0 1px var(--ts-background);
  transform: translateX(var(--x, 0px));
}

.under { display: flex; flex-wrap: wrap; align-items: start; justify-content: space-between; gap: 4px 16px; }

/* Two lines: a long tag must not make what stands below jump. */
.read-out { min-height: 3em; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }

.legend {
  display: grid;
  gap: 4px;
  color: var(--ts-muted);
  font-size: .8125em;
  font-variant-numeric: tabular-nums;
}

.scale { forced-color-adjust: none; height: 10px; border-radius: 3px; }

.marks { display: flex; justify-content: space-between; }

summary { width: fit-content; color: var(--ts-accent); cursor: pointer; }

details { min-width: 0; }

.table { max-height: 20em; margin-top: 8px; overflow: auto; border: 1px solid var(--ts-line); border-radius: 8px; }

table { width: 100%; border-collapse: separate; border-spacing: 0; font-size: .875em; font-variant-numeric: tabular-nums; }

caption { padding: 8px 12px; color: var(--ts-muted); text-align: start; }

th, td { padding: 4px 12px; border-top: 1px solid var(--ts-line); text-align: end; white-space: nowrap; }

tbody th { max-width: 12em; overflow-wrap: anywhere; white-space: normal; }

td .quiet { min-height: 32px; padding: 2px 10px; }

th:first-child { position: sticky; left: 0; background: var(--ts-background); text-align: start; }

thead th { position: sticky; top: 0; background: var(--ts-surface); }

thead th:first-child { z-index: 1; background: var(--ts-surface); }

@media (pointer: coarse) {
  .quiet, .strong, .stretch, .link, .token, .own-entry input { min-height: 44px; }
  .remove { min-width: 44px; }
  .token { border-radius: 22px; }
  select, input[readonly], summary { min-height: 44px; }
}

@media (prefers-reduced-motion: reduce) {
  .bars i { animation: none; transform: scaleY(.7); }
  .bar::before, .link .icon, .body { transition: none; }
}

@media (forced-colors: active) {
  .bar, .tick { border: 1px solid; }
  .bar::before, .bars i { background: Highlight; }
  .suggestion[aria-pressed="true"] { outline: 2px solid Highlight; }
}
`);
