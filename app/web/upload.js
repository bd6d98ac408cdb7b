/** One file as a form, with progress: `fetch` has none for what it sends. */

import { Refusal } from "./refusal.js";

/**
 * @param {string} url
 * @param {File} file
 * @param {object} options
 * @param {Record<string, string>} options.headers
 * @param {AbortSignal} options.signal
 * @param {(loaded: number, total: number) => void} options.onProgress In bytes.
 * @param {() => void} options.onSent
 * @returns {Promise<{status: number, header: (name: string) => string|null, text: string}>}
 * @throws {Refusal} `unreachable`, or `cancelled` by the signal.
 */
export function upload(url, file, { headers, signal, onProgress, onSent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.upload.onload = onSent;
    request.onload = () =>
      resolve({
        status: request.status,
        header: (name) => request.getResponseHeader(name),
        text: request.responseText,
      });
    request.onerror = () => reject(new Refusal("unreachable"));
    request.onabort = () => reject(new Refusal("cancelled"));
    if (signal.aborted) return request.onabort();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const form = new FormData();
    form.append("file", file);
    request.send(form);
  });
}
