/** The requests to the service. Every failure is thrown as a `Refusal`. */

const TOKEN_MARGIN_MS = 30_000;

/** A request that failed, or that was not sent. */
export class Refusal extends Error {
  /**
   * @param {string} kind The service's error kind (`silent_audio`, ...), or a kind of the page:
   *   `unreachable`, `cancelled`, `no_token`, `unsupported_type`, `too_large`,
   *   `too_large_together`, `empty_file`, `file_changed`.
   */
  constructor(kind, detail = "", { retryAfterS = null, requestId = null, members = {} } = {}) {
    super(detail || kind);
    Object.assign(this, { kind, detail, retryAfterS, requestId, members });
  }
}

export class Service {
  #endpoint;
  #tokenUrl;
  #token = null;
  #cache = new Map();

  constructor(endpoint, tokenUrl) {
    this.#endpoint = endpoint.replace(/\/+$/, "");
    this.#tokenUrl = tokenUrl;
  }

  limits() {
    return this.#once("/limits");
  }

  vocabularies() {
    return this.#once("/vocabularies");
  }

  suggest(file, options) {
    return this.#suggest("/suggest-tags", [file], options);
  }

  /** Request suggestions for several tracks together. */
  suggestPooled(files, options) {
    return this.#suggest("/suggest-tags/pooled", files, options);
  }

  /** Request a taggram as JSON, as a picture or as a table. */
  taggram(query, accept, signal) {
    const url = this.#url("/taggram", query);
    return this.#authorized(signal, (headers) =>
      this.#fetch(url, { headers: { ...headers, Accept: accept }, signal }),
    );
  }

  async giveFeedback(feedback) {
    await this.#authorized(undefined, async (headers) => {
      await this.#fetch(this.#url("/feedback"), {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify(feedback),
        keepalive: true, // completes even if the page is closed
      });
    });
  }

  /** Get a new upload token if the last one has expired. */
  async refresh() {
    await this.#credentials(undefined);
  }

  #suggest(path, files, { vocabulary, topK, threshold, signal, onProgress, onSent }) {
    const url = this.#url(path, { vocabulary, top_k: topK, threshold });
    return this.#authorized(signal, async (headers) =>
      parseResponse(await upload(url, files, { headers, signal, onProgress, onSent })),
    );
  }

  #once(path) {
    if (!this.#cache.has(path)) {
      const request = this.#fetch(this.#url(path), {}).then(read).then(parseResponse);
      request.catch(() => this.#cache.delete(path));
      this.#cache.set(path, request);
    }
    return this.#cache.get(path);
  }

  async #fetch(url, options) {
    let response;
    try {
      response = await fetch(url, { credentials: "omit", ...options });
    } catch (error) {
      throw error.name === "AbortError" ? new Refusal("cancelled") : new Refusal("unreachable");
    }
    if (!response.ok) parseResponse(await read(response));
    return response;
  }

  /** Do some work with a token, and again with a new one if the first is refused. */
  async #authorized(signal, work) {
    const headers = await this.#credentials(signal);
    try {
      return await work(headers);
    } catch (error) {
      if (!this.#tokenUrl || !["unauthorized", "forbidden"].includes(error.kind)) throw error;
      this.#token = null;
      return work(await this.#credentials(signal));
    }
  }

  async #credentials(signal) {
    if (!this.#tokenUrl) return {};
    if (!this.#token || Date.parse(this.#token.expires_at) < Date.now() + TOKEN_MARGIN_MS) {
      this.#token = await this.#newToken(signal);
    }
    return { Authorization: `Bearer ${this.#token.token}` };
  }

  async #newToken(signal) {
    try {
      const response = await fetch(this.#tokenUrl, { cache: "no-store", signal, keepalive: true });
      const issued = await response.json();
      if (response.ok && issued.token) return issued;
    } catch (error) {
      if (error.name === "AbortError") throw new Refusal("cancelled");
    }
    throw new Refusal("no_token");
  }

  #url(path, query = {}) {
    const parameters = Object.entries(query).filter(([, value]) => value !== undefined);
    return parameters.length
      ? `${this.#endpoint}${path}?${new URLSearchParams(parameters)}`
      : this.#endpoint + path;
  }
}

/** Send files as a form. `fetch` does not report the progress of uploads. */
function upload(url, files, { headers, signal, onProgress, onSent }) {
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
    request.onerror = async () => {
      const changed = await findChanged(files);
      const members = { changed };
      reject(new Refusal(changed.length ? "file_changed" : "unreachable", "", { members }));
    };
    request.onabort = () => reject(new Refusal("cancelled"));
    if (signal.aborted) return request.onabort();
    signal.addEventListener("abort", () => request.abort(), { once: true });
    const form = new FormData();
    for (const file of files) form.append("file", file);
    request.send(form);
  });
}

/** Return the positions of files that have changed, from 0. */
async function findChanged(files) {
  const areUnchanged = await Promise.all(files.map(canRead));
  return [...files.keys()].filter((position) => !areUnchanged[position]);
}

/** Return whether a file is unchanged: browsers refuse to read a file that has changed. */
function canRead(file) {
  return file.slice(-1).arrayBuffer().then(
    () => true,
    () => false,
  );
}

async function read(response) {
  const text = await response.text();
  return { status: response.status, header: (name) => response.headers.get(name), text };
}

function parseResponse({ status, header, text }) {
  const body = parseJson(text);
  if (status >= 200 && status < 300) {
    if (body) return body;
    throw new Refusal("unreachable"); // a proxy's page: our responses are JSON
  }
  const kind = /^\/problems\/(\w+)$/.exec(body?.type ?? "")?.[1] ?? KIND_OF_STATUS[status];
  const retryAfterS = Number.parseInt(header("Retry-After") ?? "", 10);
  throw new Refusal(kind ?? "internal_error", body?.detail, {
    retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : null,
    requestId: body?.request_id ?? header("X-Request-ID"),
    members: body ?? {},
  });
}

/** Return the object of a JSON text; null if it is not JSON, as from a proxy. */
function parseJson(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** The error kinds of a proxy's responses. */
const KIND_OF_STATUS = {
  413: "payload_too_large",
  429: "rate_limited",
  502: "unreachable",
  503: "overloaded",
  504: "deadline_exceeded",
};
