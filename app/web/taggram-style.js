/** How the taggram view looks, beyond what it shares with all of the element. */
export const viewStyle = new CSSStyleSheet();

viewStyle.replaceSync(`
.body { display: grid; grid-template-columns: minmax(0, 1fr); gap: 12px; transition: opacity .15s; }

.body[aria-busy="true"] { opacity: .5; }

.body:not(:has(canvas[width])) .map { min-height: 200px; }

.controls { display: flex; flex-wrap: wrap; align-items: end; gap: 8px 16px; }

.controls label { display: grid; flex: 1 1 9em; gap: 4px; min-width: 0; color: var(--ts-muted); font-size: .8125em; }

select, input[readonly] {
  width: 100%;
  min-height: 36px;
  padding: 4px 8px;
  border: 1px solid var(--ts-edge);
  border-radius: calc(var(--ts-radius) * .75);
  background: var(--ts-background);
  color: var(--ts-text);
  font: inherit;
  font-size: .9375rem;
}

.play { min-width: 10em; font-variant-numeric: tabular-nums; }

.play .icon { width: 18px; height: 18px; color: var(--ts-accent); fill: currentColor; }

.map {
  position: relative;
  height: var(--height, 300px);
  overflow: hidden;
  border-radius: 4px;
  color: var(--ts-text);
  cursor: crosshair;
  touch-action: pan-y;
  user-select: none;
}

.map:focus-visible { outline-offset: 4px; }

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

.under { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 4px 16px; }

.read-out { min-height: 1.5em; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }

.legend {
  display: flex;
  align-items: center;
  gap: 6px;
  color: var(--ts-muted);
  font-size: .8125em;
  font-variant-numeric: tabular-nums;
}

.scale { width: 96px; height: 10px; border-radius: 3px; }

summary { width: max-content; color: var(--ts-accent); font-weight: 600; cursor: pointer; }

details { min-width: 0; }

.table { max-height: 20em; margin-top: 8px; overflow: auto; border: 1px solid var(--ts-line); border-radius: 8px; }

table { width: 100%; border-collapse: separate; border-spacing: 0; font-size: .875em; font-variant-numeric: tabular-nums; }

caption { padding: 8px 12px; color: var(--ts-muted); text-align: start; }

th, td { padding: 4px 12px; border-top: 1px solid var(--ts-line); text-align: end; white-space: nowrap; }

td .quiet { min-height: 32px; padding: 2px 10px; }

th { font-weight: 600; }

th:first-child { position: sticky; left: 0; background: var(--ts-background); text-align: start; }

thead th { position: sticky; top: 0; background: var(--ts-surface); }

thead th:first-child { z-index: 1; background: var(--ts-surface); }

@media (pointer: coarse) {
  select, input[readonly], summary { min-height: 44px; }
}

@media (prefers-reduced-motion: reduce) {
  .body { transition: none; }
}
`);
