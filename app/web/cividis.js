/**
 * Colours for scores that colour-blind readers can tell apart, and that print well in grey: cividis
 * (Nuñez, Anderton and Renslow, PLOS ONE 2018), thirteen points of it and straight lines between.
 */

const POINTS = [
  0x00224e, 0x003171, 0x2b406d, 0x434e6c, 0x575d6d, 0x6a6c71, 0x7c7b78, 0x908b78, 0xa59c74,
  0xbbad6c, 0xd2bf60, 0xe9d24e, 0xfee838,
].map((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]);

/** The colour of a score, 0 to 1. */
export function colour(score) {
  const place = Math.min(Math.max(score, 0), 1) * (POINTS.length - 1);
  const first = Math.min(Math.floor(place), POINTS.length - 2);
  const rgb = POINTS[first].map((from, channel) =>
    Math.round(from + (POINTS[first + 1][channel] - from) * (place - first)),
  );
  return `rgb(${rgb})`;
}

/** All of them, from left to right, as a CSS image. */
export const GRADIENT = `linear-gradient(to right, ${POINTS.map((rgb) => `rgb(${rgb})`)})`;
