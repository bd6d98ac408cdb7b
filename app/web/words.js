/** All that is said to the artist, in one place. */

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A size as file managers show it. */
export function bytes(count) {
  if (count < 1e6) return `${Math.max(1, Math.round(count / 1e3))} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

/** A limit of sizes, rounded down: what it names must be admitted. */
export function mostBytes(count) {
  return count < 1e6 ? `${Math.floor(count / 1e3)} kB` : `${Math.floor(count / 1e6)} MB`;
}

export function score(value) {
  return value.toFixed(2);
}

/** A score in words. It means little across answers, so they compare with the answer's best. */
export function strength(value, best) {
  const share = value / best;
  if (share > 0.999) return "strongest match";
  if (share >= 0.7) return "strong match";
  if (share >= 0.4) return "fair match";
  return "faint match";
}

export function timeLeft(seconds) {
  if (seconds < 2) return "a moment left";
  if (seconds < 90) return `about ${Math.round(seconds)} s left`;
  return `about ${Math.round(seconds / 60)} min left`;
}

/** What the service does once a track is sent. */
export const ANALYSING = "Analysing";

export const NOT_SURE = {
  title: "We are not sure about this one",
  advice:
    "We recognise little in it. That happens with styles that we don’t know, and with speech, noise " +
    "or a test tone. Take what fits, and add your own words below.",
};

export function either(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

const OUR_SIDE = "That is not your fault, and your track is still here.";
const EXPORT_AGAIN = "Export it again from your audio program, or choose another format.";

/** What went wrong, what to do, and whether to try again; `limits` as `GET /limits` said. */
export function failure({ kind, detail, members }, limits) {
  const formats = limits ? either(limits.formats.map(({ name }) => name)) : "MP3, FLAC or WAV";
  const most = members.max_bytes ?? limits?.max_bytes; // a proxy names no limit
  const known = {
    // While a file is chosen.
    unsupported_type: ["That is not a kind of file we can hear", `Choose a track as ${formats}.`],
    too_large: [
      "That file is too large",
      (most ? `We take up to ${mostBytes(most)}. ` : "") +
        "An MP3 or FLAC of the same song sounds the same to us, and is smaller.",
    ],
    empty_file: ["That file is empty", "Choose another, or export the track again."],
    // On the way.
    cancelled: ["Cancelled", "Nothing was kept. Send the track again whenever you like.", true],
    unreachable: [
      "We could not reach the listening service",
      "Look whether you are online, and try again. Your track is still here.",
      true,
    ],
    forbidden: ["This page may not upload just now", "Try again, or reload the page.", true],
    rate_limited: ["That was a lot of tracks at once", "Wait a little, then try again.", true],
    overloaded: ["Everyone is listening right now", `${OUR_SIDE} Try again in a moment.`, true],
    not_ready: ["The service is still waking up", `${OUR_SIDE} Try again in a moment.`, true],
    // While it listens.
    unsupported_audio: ["We can’t read this kind of audio", `Choose a track as ${formats}.`],
    undecodable_audio: ["This file is damaged", `We could not play it to its end. ${EXPORT_AGAIN}`],
    audio_too_short: [
      "That is too short to tell",
      `Choose at least ${members.min_duration_s} s; a whole song is best.`,
    ],
    audio_too_long: [
      "That is too long",
      `We hear up to ${Math.floor(members.max_duration_s / 60)} minutes. Choose one song.`,
    ],
    silent_audio: [
      "We hear only silence",
      "Look whether the export was muted, or its two channels cancel each other out.",
    ],
    deadline_exceeded: ["Listening took too long", `${OUR_SIDE} Try again later.`, true],
    // When the taggram is asked for.
    unknown_track: [
      "We don’t remember this track any more",
      "What we heard is kept for a while only. Choose the file again, and we listen anew.",
    ],
  };
  known.payload_too_large = known.too_large;
  known.unauthorized = known.no_token = known.forbidden;
  known.request_timeout = known.unreachable;
  const [title, advice, canRetry = false] = known[kind] ?? [
    "Something went wrong on our side",
    detail || OUR_SIDE,
    true,
  ];
  return { title, advice, canRetry };
}
