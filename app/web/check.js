/** What can be told about a file before a byte is sent. */

import { Refusal } from "./refusal.js";

/**
 * Hold a file against what the service takes.
 *
 * @param {File} file
 * @param {object} limits What `GET /limits` said.
 * @throws {Refusal} `empty_file`, `too_large` or `unsupported_type`.
 */
export function check(file, limits) {
  if (file.size === 0) throw new Refusal("empty_file");
  if (file.size > limits.max_bytes) {
    throw new Refusal("too_large", "", { members: { max_bytes: limits.max_bytes } });
  }
  const extension = /\.[^.]+$/.exec(file.name.toLowerCase())?.[0];
  const isKnown = limits.formats.some(
    ({ extensions, media_types: types }) =>
      extensions.includes(extension) || types.includes(file.type.toLowerCase()),
  );
  // A file that says nothing about itself is for the service to look into.
  if (!isKnown && (extension || file.type)) throw new Refusal("unsupported_type");
}
