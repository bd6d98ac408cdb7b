/** Tags times time as a heat map, with the waveform above, a cursor and a playhead. */

import { el } from "./dom.js";
import { clock, score } from "./words.js";

const WAVE_HEIGHT = 56;
const ROW_HEIGHT = 22;
const AXIS_HEIGHT = 24;
const GAP = 8;
const SCORE_WIDTH = 40;
const MOST_LABEL_WIDTH = 150;
const LABEL_SHARE = 0.3;
const TICK_WIDTH = 52;
const NICE_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const PAGE = 10;
const DRAG_PX = 4;
const CLOCK_PRECISION_S = 0.001; // browsers round the moments of a sound

/**
 * Thirteen points of cividis, which colour-blind readers can tell apart (Nuñez, Anderton and Renslow,
 * PLOS ONE 2018); between them, straight lines.
 */
const POINTS = [
  0x00224e, 0x003171, 0x2b406d, 0x434e6c, 0x575d6d, 0x6a6c71, 0x7c7b78, 0x908b78, 0xa59c74,
  0xbbad6c, 0xd2bf60, 0xe9d24e, 0xfee838,
].map((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]);

/**
 * Events: `cell` (another one is looked at), and with seconds `seek`, `hear` (play from there) and
 * `toggle` (play from there or pause; null where the sound is there).
 */
export class TaggramMap extends EventTarget {
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
      ariaRoleDescription: "heat map",
      "aria-describedby": "read-out",
      ariaLabel:
        "Tags over time. Arrow keys go through moments and tags, Enter plays or pauses. " +
        "The table below holds the same numbers.",
    },
    this.#canvas,
    this.#cursor,
    this.#playhead,
  );

  constructor() {
    super();
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.element.addEventListener("keydown", (event) => this.#taggram && this.#pressed(event));
    this.element.addEventListener("pointerdown", (event) => this.#taggram && this.#grabbed(event));
    this.element.addEventListener("pointermove", (event) => this.#taggram && this.#moved(event));
    this.element.addEventListener("pointerup", (event) => this.#released(event));
    this.element.addEventListener("pointercancel", () => (this.#grabbedX = null));
    this.element.addEventListener("pointerleave", () => (this.#isPointed = false));
  }

  show(taggram) {
    const isOther = taggram.track_id !== this.#taggram?.track_id;
    this.#taggram = taggram;
    this.#peaks = taggram.peaks ?? [];
    const height = WAVE_HEIGHT + GAP + ROW_HEIGHT * taggram.tags.length + AXIS_HEIGHT;
    this.element.style.setProperty("--height", `${height}px`);
    const last = taggram.times_s.length - 1; // another model may hear in longer windows
    this.#look({ window: isOther ? 0 : Math.min(this.#cell.window, last), row: 0 });
    this.draw();
  }

  /** What the cursor is on. */
  get cell() {
    const { times_s: times, window_s: length, tags, scores, duration_s: end } = this.#taggram;
    const { window, row } = this.#cell;
    const startS = times[window];
    const endS = Math.min(startS + length, end);
    return { tag: tags[row], startS, endS, score: scores[window][row] };
  }

  playAt(seconds) {
    this.#playedS = seconds;
    this.#playhead.hidden = seconds === null;
    if (seconds === null) return;
    this.#placePlayhead();
    const window = this.#windowAt(seconds);
    const isNew = window !== this.#playedWindow;
    this.#playedWindow = window;
    // The cursor goes along, but not from under a pointer.
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
    // The words are as large as the page's own, but no row is higher than its colours.
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
    const { tags, scores, pooled_scores: pooled, times_s: times } = this.#taggram;
    const { left, width, top } = this.#plot();
    const edges = this.#edges();
    tags.forEach((tag, row) => {
      const y = top + row * ROW_HEIGHT;
      times.forEach((_, window) => {
        const x = left + edges[window] * width;
        pen.fillStyle = colour(scores[window][row]);
        // Half a pixel wider, so that no seams shine through.
        pen.fillRect(x, y, (edges[window + 1] - edges[window]) * width + 0.5, ROW_HEIGHT - 1);
      });
      pen.fillStyle = this.#colours.text;
      pen.textAlign = "right";
      pen.fillText(fitted(pen, tag, left - GAP), left - GAP, y + ROW_HEIGHT / 2);
      pen.fillStyle = this.#colours.muted;
      pen.fillText(score(pooled[row]), left + width + SCORE_WIDTH, y + ROW_HEIGHT / 2);
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
      pen.fillText(clock(second), x, y + 4 + (AXIS_HEIGHT - 4) / 2);
    }
  }

  /** Between windows, as shares of the track; those that overlap lie around their middles. */
  #edges() {
    const { times_s: times, hop_s: hop, window_s: length, duration_s: duration } = this.#taggram;
    const begins = times.map((start) => start + (length - hop) / 2);
    const edges = [0, ...begins.slice(1), Math.min(times.at(-1) + length, duration)];
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
    const box = {
      "--x": left + edges[window] * width,
      "--y": top + row * ROW_HEIGHT,
      "--w": (edges[window + 1] - edges[window]) * width,
    };
    for (const [name, value] of Object.entries(box)) {
      this.#cursor.style.setProperty(name, `${value}px`);
    }
  }

  #look(cell) {
    this.#cell = cell;
    this.#placeCursor();
    this.dispatchEvent(new Event("cell"));
  }

  #tell(name, seconds) {
    this.dispatchEvent(new CustomEvent(name, { detail: seconds }));
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
      if (this.#cell.window !== window) this.#tell("seek", this.#beginS(this.#cell.window));
    } else if (event.key === "Enter" || event.key === " ") {
      this.#tell("toggle", window === this.#playedWindow ? null : this.#beginS(window));
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
    if (seconds !== null && this.#isDragged) this.#tell("seek", seconds);
  }

  /** Only now is it sure that a finger does not scroll the page. */
  #released(event) {
    if (this.#grabbedX === null) return;
    this.#grabbedX = null;
    const seconds = this.#pointed(event);
    if (seconds !== null) this.#tell("hear", seconds);
    this.#isPointed = event.pointerType === "mouse";
  }

  /** Look at the cell under the pointer; its moment, if it is on the map. */
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

/** A text that is cut where there is no room for it. */
function fitted(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  const letters = [...text];
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > width) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

/** The colour of a score, 0 to 1. */
function colour(score) {
  const place = Math.min(Math.max(score, 0), 1) * (POINTS.length - 1);
  const first = Math.min(Math.floor(place), POINTS.length - 2);
  const rgb = POINTS[first].map((from, channel) =>
    Math.round(from + (POINTS[first + 1][channel] - from) * (place - first)),
  );
  return `rgb(${rgb})`;
}

export const GRADIENT = `linear-gradient(to right, ${POINTS.map((rgb) => `rgb(${rgb})`)})`;
