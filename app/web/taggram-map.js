/** A heat map of tags over time, with the waveform, a cursor and a playhead. */

import { el } from "./dom.js";

const WAVE_HEIGHT = 56;
const ROW_HEIGHT = 22;
const AXIS_HEIGHT = 24;
const GAP = 8;
const SCORE_WIDTH = 40;
const MOST_LABEL_WIDTH = 200;
const LABEL_SHARE = 0.3;
const TICK_WIDTH = 52;
const NICE_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const PAGE = 10;
const DRAG_PX = 4;
const CLOCK_PRECISION_S = 0.001; // browsers round the player's time

/** Points of cividis, a colour map for colour-blind readers (Nuñez et al., PLOS ONE 2018). */
const POINTS = [
  0x00224e, 0x003171, 0x434e6c, 0x6a6c71, 0x908b78, 0xbbad6c, 0xfee838,
].map((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]);

export class TaggramMap {
  words;
  #on;
  #canvas = el("canvas");
  #cursor = el("div", { className: "cursor" });
  #playhead = el("div", { className: "playhead" });
  #taggram = null;
  #peaks = [];
  #cell = { window: 0, row: 0 };
  #playedS = null;
  #playedWindow = null;
  #isPointed = false;
  #grabbedX = null;
  #isDragged = false;

  element = el(
    "div",
    {
      className: "map",
      part: "heat-map",
      tabIndex: 0,
      role: "application",
      "aria-describedby": "read-out",
      "data-label": "map",
    },
    this.#canvas,
    this.#cursor,
    this.#playhead,
  );

  /**
   * @param {object} on `cell()` when another cell is shown; with a time in seconds `seek`, `play`, and
   *   `toggle` (null if the playhead is in the cell).
   */
  constructor(on) {
    this.#on = on;
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.element.addEventListener("keydown", (event) => this.#taggram && this.#pressed(event));
    this.element.addEventListener("pointerdown", (event) => this.#taggram && this.#grabbed(event));
    this.element.addEventListener("pointermove", (event) => this.#taggram && this.#moved(event));
    this.element.addEventListener("pointerup", (event) => this.#released(event));
    this.element.addEventListener("pointercancel", () => (this.#grabbedX = null));
    this.element.addEventListener("pointerleave", () => (this.#isPointed = false));
  }

  /** Show an answer of `GET /taggram`, with the `names` of its rows; genres are in italics. */
  show(taggram) {
    this.element.ariaRoleDescription = this.words.say("heat_map");
    const isOther = taggram.track_id !== this.#taggram?.track_id;
    this.#taggram = taggram;
    this.#peaks = taggram.peaks ?? [];
    const height = WAVE_HEIGHT + GAP + ROW_HEIGHT * taggram.tags.length + AXIS_HEIGHT;
    this.element.style.setProperty("--height", `${height}px`);
    const last = taggram.times_s.length - 1; // another model may have longer windows
    this.#look({ window: isOther ? 0 : Math.min(this.#cell.window, last), row: 0 });
    this.draw();
  }

  get cell() {
    const { times_s: times, window_s: length, names, scores, duration_s: end } = this.#taggram;
    const { window, row } = this.#cell;
    const startS = times[window];
    const endS = Math.min(startS + length, end);
    return { name: names[row], startS, endS, score: scores[window][row] };
  }

  playAt(seconds) {
    this.#playedS = seconds;
    this.#playhead.hidden = seconds === null;
    if (seconds === null) return;
    this.#placePlayhead();
    const window = this.#windowAt(seconds);
    const isNew = window !== this.#playedWindow;
    this.#playedWindow = window;
    // The cell follows the playhead unless a pointer is on the map.
    if (isNew && !this.#isPointed && window !== this.#cell.window) this.#look({ ...this.#cell, window });
  }

  draw() {
    if (!this.#taggram || !this.element.clientWidth) return;
    const ratio = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = this.element;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const pen = this.#canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.element);
    pen.font = `${Math.min(Number.parseFloat(style.fontSize) * 0.82, 15)}px ${style.fontFamily}`;
    pen.textBaseline = "middle";
    this.#colours = {
      text: style.color,
      muted: getComputedStyle(this.#cursor).color,
      accent: getComputedStyle(this.#playhead).color,
    };
    this.#drawWave(pen);
    this.#drawRows(pen);
    this.#drawAxis(pen);
    this.#placeCursor();
    this.#placePlayhead();
  }

  #colours = {};

  #plot() {
    const width = this.element.clientWidth;
    const left = Math.min(MOST_LABEL_WIDTH, width * LABEL_SHARE);
    return { left, width: Math.max(1, width - left - SCORE_WIDTH), top: WAVE_HEIGHT + GAP };
  }

  #drawWave(pen) {
    const { left, width } = this.#plot();
    const middle = WAVE_HEIGHT / 2;
    const step = width / this.#peaks.length;
    pen.fillStyle = this.#colours.accent;
    this.#peaks.forEach(([low, high], index) => {
      const top = middle - high * middle;
      pen.fillRect(left + index * step, top, Math.max(step, 0.75), Math.max(1, (high - low) * middle));
    });
  }

  #drawRows(pen) {
    const { labels, levels, scores, pooled_scores: pooled, times_s: times } = this.#taggram;
    const { left, width, top } = this.#plot();
    const edges = this.#edges();
    const { font } = pen;
    labels.forEach((label, row) => {
      const y = top + row * ROW_HEIGHT;
      times.forEach((_, window) => {
        const x = left + edges[window] * width;
        pen.fillStyle = colour(scores[window][row]);
        // Half a pixel wider, to avoid gaps.
        pen.fillRect(x, y, (edges[window + 1] - edges[window]) * width + 0.5, ROW_HEIGHT - 1);
      });
      pen.fillStyle = this.#colours.text;
      pen.textAlign = "right";
      pen.font = levels[row] === "genre" ? `italic ${font}` : font;
      pen.fillText(fitted(pen, label, left - GAP), left - GAP, y + ROW_HEIGHT / 2);
      pen.font = font;
      pen.fillStyle = this.#colours.muted;
      pen.fillText(this.words.score(pooled[row]), left + width + SCORE_WIDTH, y + ROW_HEIGHT / 2);
    });
  }

  #drawAxis(pen) {
    const { duration_s: duration, tags } = this.#taggram;
    const { left, width, top } = this.#plot();
    const y = top + tags.length * ROW_HEIGHT;
    const most = width / TICK_WIDTH;
    const step = NICE_STEPS_S.find((seconds) => duration / seconds <= most) ?? duration;
    pen.fillStyle = this.#colours.muted;
    for (let second = 0; second <= duration; second += step) {
      const x = left + (second / duration) * width;
      pen.fillRect(x, y, 1, 4);
      pen.textAlign = second === 0 ? "left" : x > left + width - 16 ? "right" : "center";
      pen.fillText(this.words.clock(second), x, y + 4 + (AXIS_HEIGHT - 4) / 2);
    }
  }

  /** Return the edges of windows as shares of the track; overlapping windows meet halfway. */
  #edges() {
    const { times_s: times, window_s: length, duration_s: duration } = this.#taggram;
    const between = times.slice(1).map((start, window) => (times[window] + length + start) / 2);
    const edges = [0, ...between, Math.min(times.at(-1) + length, duration)];
    return edges.map((second) => Math.min(second / duration, 1));
  }

  #windowAt(seconds) {
    const { duration_s: duration, times_s: times } = this.#taggram;
    const share = (seconds + CLOCK_PRECISION_S) / duration;
    const after = this.#edges().findIndex((edge) => edge > share);
    return after < 0 ? times.length - 1 : Math.max(0, after - 1);
  }

  #beginS(window) {
    return this.#edges()[window] * this.#taggram.duration_s;
  }

  #placePlayhead() {
    if (this.#playedS === null) return;
    const { left, width } = this.#plot();
    const share = Math.min(this.#playedS / this.#taggram.duration_s, 1);
    this.#playhead.style.setProperty("--x", `${left + share * width}px`);
  }

  #placeCursor() {
    const { left, width, top } = this.#plot();
    const edges = this.#edges();
    const { window, row } = this.#cell;
    const x = left + edges[window] * width;
    const wide = (edges[window + 1] - edges[window]) * width;
    this.#cursor.style.cssText = `--x:${x}px; --y:${top + row * ROW_HEIGHT}px; --w:${wide}px`;
  }

  #look(cell) {
    this.#cell = cell;
    this.#placeCursor();
    this.#on.cell();
  }

  #pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { window, row } = this.#cell;
    const last = { window: this.#taggram.times_s.length - 1, row: this.#taggram.tags.length - 1 };
    const to = {
      ArrowLeft: [window - 1, row],
      ArrowRight: [window + 1, row],
      ArrowUp: [window, row - 1],
      ArrowDown: [window, row + 1],
      PageUp: [window - PAGE, row],
      PageDown: [window + PAGE, row],
      Home: [0, row],
      End: [last.window, row],
    }[event.key];
    if (to) {
      const within = (value, most) => Math.min(Math.max(value, 0), most);
      this.#look({ window: within(to[0], last.window), row: within(to[1], last.row) });
      if (this.#cell.window !== window) this.#on.seek(this.#beginS(this.#cell.window));
    } else if (event.key === "Enter" || event.key === " ") {
      this.#on.toggle(window === this.#playedWindow ? null : this.#beginS(window));
    } else {
      return;
    }
    event.preventDefault();
  }

  #grabbed(event) {
    if (event.button !== 0) return;
    this.#grabbedX = event.clientX;
    this.#isDragged = false;
    this.element.setPointerCapture(event.pointerId);
    this.#pointed(event);
  }

  #moved(event) {
    const seconds = this.#pointed(event);
    if (this.#grabbedX === null) return;
    this.#isDragged ||= Math.abs(event.clientX - this.#grabbedX) >= DRAG_PX;
    if (seconds !== null && this.#isDragged) this.#on.seek(seconds);
  }

  /** Play on release: until then the gesture may scroll the page. */
  #released(event) {
    if (this.#grabbedX === null) return;
    this.#grabbedX = null;
    const seconds = this.#pointed(event);
    if (seconds !== null) this.#on.play(seconds);
    this.#isPointed = event.pointerType === "mouse";
  }

  /** Show the cell under the pointer, and return its time; null outside the map. */
  #pointed(event) {
    this.#isPointed = true;
    const { left, width, top } = this.#plot();
    const box = this.element.getBoundingClientRect();
    const share = (event.clientX - box.left - left) / width;
    if (share < 0 || share > 1) return null;
    const seconds = share * this.#taggram.duration_s;
    const rows = this.#taggram.tags.length;
    const pointed = Math.floor((event.clientY - box.top - top) / ROW_HEIGHT);
    const row = pointed >= 0 && pointed < rows ? pointed : this.#cell.row;
    this.#look({ window: this.#windowAt(seconds), row });
    return seconds;
  }
}

function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  const letters = [...text];
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > width) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

/**
 * Return the colour of a score, by its square root as in the service's picture: half of the scores
 * are below .17 and few above .75, so that a linear scale would be mostly dark.
 */
function colour(score) {
  const place = Math.sqrt(Math.min(Math.max(score, 0), 1)) * (POINTS.length - 1);
  const first = Math.min(Math.floor(place), POINTS.length - 2);
  const rgb = POINTS[first].map((from, channel) =>
    Math.round(from + (POINTS[first + 1][channel] - from) * (place - first)),
  );
  return `rgb(${rgb})`;
}

export const GRADIENT = `linear-gradient(to right, ${POINTS.map((rgb) => `rgb(${rgb})`)})`;
