/**
 * Upload a track and print the suggested tags: `node suggest-tags.mjs SONG`.
 *
 * Settings: TAGGRAM_URL, where Taggram is; TAGGRAM_KEY, an API key where it needs one.
 */

import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const URL_OF_SERVICE = process.env.TAGGRAM_URL ?? "http://127.0.0.1:8000";
const KEY = process.env.TAGGRAM_KEY;
const ATTEMPTS = 5;

/** Upload a track; when the service is busy, wait as long as it says and try again. */
async function suggestTags(path) {
  const body = new FormData();
  body.append("file", await openAsBlob(path), basename(path));
  const headers = KEY ? { Authorization: `Bearer ${KEY}` } : {};
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(new URL("/suggest-tags?top_k=3", URL_OF_SERVICE), {
      method: "POST",
      headers,
      body,
    });
    if (answer.ok) return answer.json();
    const isBusy = answer.status === 429 || answer.status === 503;
    if (!isBusy || attempt === ATTEMPTS) throw new Error((await answer.json()).detail);
    await wait(1000 * Number(answer.headers.get("Retry-After") ?? 1));
  }
}

try {
  const { suggestions } = await suggestTags(process.argv[2]);
  for (const { label, score, heard_at: moments } of suggestions) {
    const times = moments.map((each) => `${each.start_s.toFixed()} to ${each.end_s.toFixed()} s`);
    console.log([label, score.toFixed(2), times.join(", ")].join("\t"));
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
