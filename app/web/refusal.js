/** Something was refused, by the service or on the way to it. */
export class Refusal extends Error {
  /**
   * @param {string} kind The service's own name of the problem (`silent_audio`, ...), or one of
   *   ours: `unreachable`, `cancelled`, `no_token`, `unsupported_type`, `too_large`, `empty_file`.
   * @param {string} [detail] What the service said about it.
   * @param {object} [more]
   * @param {number|null} [more.retryAfterS] When to come again, where it said so.
   * @param {string|null} [more.requestId] Names the request in the service's log.
   * @param {object} [more.members] Limits and the like, for the words.
   */
  constructor(kind, detail = "", { retryAfterS = null, requestId = null, members = {} } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, detail, retryAfterS, requestId, members });
  }
}
