/** Talking to the server: requests, the queue that brings changes to the disk, and the events it sends. */

const PATIENCE = [500, 1000, 2000, 5000]; // ms between attempts after a lost connection

/** How often a change is offered that the server refuses. */
const TRIES = 3;
const AT_ONCE = 4; // images saved at the same time

const SILENCE = 5000; // ms after which it is said that no answer comes
const SILENT = "The labeling program does not answer. It may be busy, or the connection hangs.";
const LOST =
  "The connection to the labeling program is lost. " +
  "If it has ended, start it again and open its address in a second tab.";
const STRANGER =
  "The labeling program was started anew. Open the address that it printed in a second tab: then this one goes on.";

/** An answer that is not a success; `status` is 0 when no answer came. */
export class Refusal extends Error {
  constructor(status, message, data = null) {
    super(message);
    this.status = status;
    this.data = data;
  }
}

/** Address of a thing that is found by names. */
export const address = (...names) => `/api/${names.map(encodeURIComponent).join("/")}`;

async function answer(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, LOST);
  }
}

/** The sentence that goes with an answer that is not a success. */
async function refusal(response) {
  const data = await response.json().catch(() => null);
  if (response.status === 401) return new Refusal(401, STRANGER, data);
  return new Refusal(response.status, data?.error ?? `The labeling program answered ${response.status}.`, data);
}

/**
 * Ask the server and return the JSON it answers.
 * @throws {Refusal} with the server's sentence
 */
export async function ask(method, url, body) {
  const options = { method, cache: "no-store" };
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  const response = await answer(url, options);
  if (!response.ok) throw await refusal(response);
  return response.json();
}

/**
 * Fetch a picture and decode it as it is, without the stretch of a colour profile.
 * @throws {Refusal} with the server's sentence
 */
export async function picture(url, signal) {
  const response = await answer(url, { signal });
  if (!response.ok) throw await refusal(response);
  const blob = await response.blob();
  return createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

/** Brings the changes in `labels` to the disk, one request per image at a time, until all of them are there. */
export class Saver {
  trouble = null; // the sentence that says why not all is saved
  #labels;
  #tell;
  #refused = new Set();
  #tries = new Map();
  #attempt = 0;
  #timer = null;
  #running = new Set();
  #others = 0;

  /** @param {() => void} tell called whenever `saved` or `trouble` may have changed */
  constructor(labels, tell) {
    this.#labels = labels;
    this.#tell = tell;
    labels.addEventListener("change", ({ detail }) => {
      if (!detail.unsaved) return;
      this.#refused.delete(detail.key);
      this.poke();
    });
  }

  /** Whether all changes are on disk. */
  get saved() {
    return this.#labels.unsaved.length === 0 && this.#others === 0;
  }

  /** Whether the server refuses changes that it will not take later either. */
  get refused() {
    return [...this.#refused];
  }

  /** Count a request that changes labels by itself as unsaved until it is answered. */
  async during(promise) {
    this.#others += 1;
    this.#tell();
    try {
      return await promise;
    } finally {
      this.#others -= 1;
      this.#tell();
    }
  }

  /** Wait until the changes made so far are on disk; false when they cannot be brought there now. */
  async flush() {
    while (this.#labels.unsaved.length && !this.trouble) await Promise.race(this.#running);
    return this.#labels.unsaved.length === 0;
  }

  /** Send what waits, now; also what the server refused, when `again`. */
  poke(again = false) {
    if (again) [this.#refused, this.#tries].forEach((each) => each.clear());
    clearTimeout(this.#timer);
    for (const key of this.#labels.unsaved) {
      if (this.#running.size >= AT_ONCE) break;
      const body = this.#refused.has(key) ? null : this.#labels.toSend(key);
      if (!body) continue;
      const running = this.#send(key, body).finally(() => {
        this.#running.delete(running);
        if (this.#attempt === 0) this.poke();
      });
      this.#running.add(running);
    }
    this.#tell();
  }

  /** Give up the changes that the server refuses. */
  giveUp() {
    this.#refused.forEach((key) => this.#labels.discard(key));
    this.#refused.clear();
    this.#tries.clear();
    this.trouble = null;
    this.#tell();
  }

  async #send(key, body) {
    const [folder, name] = key.split("/");
    const hanging = setTimeout(() => {
      this.trouble ??= SILENT;
      this.#tell();
    }, SILENCE);
    try {
      const state = await ask("PUT", address("labels", folder, name), body);
      this.#attempt = 0;
      this.#tries.delete(key);
      this.#labels.saved(key, state);
      if (!this.#refused.size) this.trouble = null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#failed(key, error);
    } finally {
      clearTimeout(hanging);
    }
    this.#tell();
  }

  #failed(key, { status, message, data }) {
    if (status === 409 && data?.version) {
      this.#attempt = 0;
      this.#labels.merge(key, data);
      return;
    }
    this.#labels.giveBack(key);
    this.trouble = message;
    if (status >= 400 && status < 500 && status !== 401) this.#tries.set(key, (this.#tries.get(key) ?? 0) + 1);
    if (this.#tries.get(key) >= TRIES) this.#refused.add(key);
    else this.#later(); // a file that another program is just writing is whole a moment later
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.poke(), PATIENCE[Math.min(this.#attempt, PATIENCE.length - 1)]);
    this.#attempt += 1;
  }
}

/**
 * Listen to the server while the page is in view: a browser keeps six connections to a host, which tabs in the
 * background must not hold. `hello` comes whenever it begins again.
 * @param {{hello: Function, labels: Function, project: Function, job: Function, lost: Function}} on
 */
export function listen(on) {
  let source = null;

  function open() {
    const opened = new EventSource("/api/events");
    for (const name of ["hello", "labels", "project", "job"]) {
      opened.addEventListener(name, (event) => on[name](JSON.parse(event.data || "{}")));
    }
    opened.onerror = () => {
      on.lost();
      if (opened.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      source = null;
      setTimeout(turn, PATIENCE.at(-1));
    };
    return opened;
  }

  function turn() {
    if (document.hidden) {
      source?.close();
      source = null;
    } else source ??= open();
  }

  document.addEventListener("visibilitychange", turn);
  turn();
}
