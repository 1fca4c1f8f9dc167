/**
 * What is labeled: the server's states, the changes on their way to the disk, and undo over all images of a visit.
 *
 * Nothing here knows the network. A change is first `unsent`, then `sent`, then part of the state that the server
 * answered. A value is `{at, accepted}`: `at` is [x, y], "not visible" or null (open); `accepted` marks a machine
 * label that was taken over unmoved. Whether an image is left out is a value like a part's, under the name LEFT_OUT.
 */

export const HIDDEN = "not visible";
export const LEFT_OUT = Symbol("left out");

const DIGITS = 1000; // places are kept to a thousandth of a pixel

/** A place that a person means, without the noise of floating point. */
export const rounded = ([x, y]) => [Math.round(x * DIGITS) / DIGITS, Math.round(y * DIGITS) / DIGITS];

/** The value of a place that a person chose, or "not visible", or null. */
export const chosen = (at) => ({ at: Array.isArray(at) ? rounded(at) : at, accepted: false });

/** The sentence about a part that two sides changed. */
export const changedElsewhere = (part) => `${part} was also changed elsewhere.`;

/** The key of an image among all: its folder and name. */
export const keyOf = ({ folder, name }) => `${folder}/${name}`;

/** What an object from the server holds under a name, or null: a part may be called as what every object inherits. */
export const named = (object, name) => (Object.hasOwn(object, name) ? object[name] : null);

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function valueIn(state, part) {
  if (part === LEFT_OUT) return { at: state.state === "left out", accepted: false };
  return { at: named(state.points, part), accepted: state.accepted.includes(part) };
}

export class Labels extends EventTarget {
  #records = new Map();
  #undo = [];
  #redo = [];

  /** The server's newest state of an image, or undefined when it is not here. */
  state(key) {
    return this.#records.get(key)?.state;
  }

  /** Take over a state that the server sent; changes not yet on disk stay on top of it. */
  take(state) {
    const key = keyOf(state);
    const record = this.#records.get(key);
    if (record) record.state = state;
    else this.#records.set(key, { state, unsent: new Map(), sent: null, conflicts: new Map(), turn: 0 });
    this.#tell(key);
  }

  /** Counts what happened to an image here: an answer asked for in an earlier turn is too old to be taken. */
  turn(key) {
    return this.#records.get(key)?.turn ?? 0;
  }

  /** Forget what the server said about an image, unless changes of it are still on their way. */
  forget(key) {
    if (!this.isUnsaved(key)) this.#records.delete(key);
  }

  /** Forget all images whose changes are on disk, but not those that are looked at. */
  forgetAll(kept) {
    [...this.#records.keys()].filter((key) => !kept.includes(key)).forEach((key) => this.forget(key));
  }

  /** The value shown for a part (or LEFT_OUT): the newest change, else what the server said. */
  value(key, part) {
    const { state, unsent, sent } = this.#records.get(key);
    return unsent.get(part) ?? sent?.get(part) ?? valueIn(state, part);
  }

  /** The machine's label [x, y, likelihood] of a part that is open, or null. */
  machine(key, part) {
    return this.value(key, part).at === null ? named(this.state(key).machine, part) : null;
  }

  /** Parts that two sides changed: {part: {yours, theirs, kept}}, `kept` telling whose stands. */
  conflicts(key) {
    const { state, conflicts } = this.#records.get(key);
    const kept = (part, { theirs }) => (same(valueIn(state, part).at, theirs) ? "theirs" : "yours");
    const fromDisk = Object.entries(state.conflicts);
    const told = fromDisk.map(([part, sides]) => [part, { ...sides, kept: kept(part, sides) }]);
    return Object.fromEntries([...told, ...conflicts]);
  }

  /** What a person should look at again in an image: [{part, text}], what two sides changed before what looks wrong. */
  worries(key) {
    const conflicts = Object.keys(this.conflicts(key)).map((part) => ({ part, text: changedElsewhere(part) }));
    return [...conflicts, ...this.state(key).warnings];
  }

  /** Stop showing a conflict in which this page's value stands. */
  dismiss(key, part) {
    this.#records.get(key).conflicts.delete(part);
    this.#tell(key);
  }

  /**
   * Change values, as one step that can be undone.
   * @param {Array<{key: string, part: string|symbol, to: {at: any, accepted: boolean}, always?: boolean}>} changes
   *   `always`: tell the server even what it knows, which settles a conflict
   * @returns {boolean} whether anything differs from before
   */
  change(changes) {
    const step = changes
      .filter(({ key, part, to, always }) => always || !same(this.value(key, part), to))
      .map(({ key, part, to }) => ({ key, part, before: this.value(key, part), after: to }));
    if (!step.length) return false;
    this.remember(step);
    this.#set(step.map(({ key, part, after }) => [key, part, after]));
    return true;
  }

  /** Put a step [{key, part, before}] on the undo list: one that the server has done already, or a change. */
  remember(step) {
    this.#undo.push(step);
    this.#redo = [];
  }

  /** The step that undo (or redo) would take: its images must be here before it is taken. */
  next(direction) {
    return (direction === "undo" ? this.#undo : this.#redo).at(-1);
  }

  /**
   * Forget what the next steps of undo (or redo) did to images that are there no more.
   * @param {(key: string) => boolean} isThere
   * @returns {string[]} keys of these images
   */
  passOver(direction, isThere) {
    const steps = direction === "undo" ? this.#undo : this.#redo;
    const gone = new Set();
    for (let kept = []; steps.length && !kept.length;) {
      const step = steps.pop();
      kept = step.filter(({ key }) => isThere(key));
      step.filter(({ key }) => !isThere(key)).forEach(({ key }) => gone.add(key));
      if (kept.length) steps.push(kept);
    }
    return [...gone];
  }

  /** Take back the newest step, or do again the one taken back last. */
  undo(direction = "undo") {
    const [from, to] = direction === "undo" ? [this.#undo, this.#redo] : [this.#redo, this.#undo];
    const step = from.pop();
    const [now, then] = direction === "undo" ? ["after", "before"] : ["before", "after"];
    step.forEach((entry) => (entry[now] = this.value(entry.key, entry.part)));
    to.push(step);
    this.#set(step.map((entry) => [entry.key, entry.part, entry[then]]));
  }

  #set(values) {
    for (const [key, part, value] of values) {
      const record = this.#records.get(key);
      record.unsent.set(part, value);
      record.turn += 1;
      record.conflicts.delete(part);
    }
    new Set(values.map(([key]) => key)).forEach((key) => this.#tell(key, { unsaved: true }));
  }

  /** Keys of images with changes that are not on disk. */
  get unsaved() {
    return [...this.#records.keys()].filter((key) => this.isUnsaved(key));
  }

  /** Whether an image has changes that are not on disk. */
  isUnsaved(key) {
    const record = this.#records.get(key);
    return Boolean(record && (record.unsent.size || record.sent));
  }

  /** What to send for an image, now counted as sent; null when there is nothing, or an answer is still awaited. */
  toSend(key) {
    const record = this.#records.get(key);
    if (record.sent || !record.unsent.size) return null;
    [record.sent, record.unsent] = [record.unsent, new Map()];
    const parts = [...record.sent].filter(([part]) => part !== LEFT_OUT);
    const body = {
      version: record.state.version,
      points: Object.fromEntries(parts.map(([part, { at }]) => [part, at])),
      accepted: parts.filter(([, { accepted }]) => accepted).map(([part]) => part),
    };
    if (record.sent.has(LEFT_OUT)) body.left_out = record.sent.get(LEFT_OUT).at;
    return body;
  }

  /** What was sent is on disk. */
  saved(key, state) {
    const record = this.#records.get(key);
    record.sent = null;
    record.turn += 1;
    record.state = state;
    this.#tell(key, { saved: true });
  }

  /** What was sent met a newer state: this person's parts go on top of it; what both changed is a conflict. */
  merge(key, state) {
    const record = this.#records.get(key);
    for (const [part, value] of record.sent) {
      const [before, theirs] = [valueIn(record.state, part), valueIn(state, part)];
      if (part === LEFT_OUT || same(before.at, theirs.at) || same(theirs.at, value.at)) continue;
      record.conflicts.set(part, { yours: value.at, theirs: theirs.at, kept: "yours" });
    }
    this.giveBack(key);
    this.take(state);
  }

  /** What was sent did not arrive: it waits again, under whatever was changed since. */
  giveBack(key) {
    const record = this.#records.get(key);
    record.unsent = new Map([...(record.sent ?? []), ...record.unsent]);
    record.sent = null;
  }

  /** Give up the changes of an image that the server refuses. */
  discard(key) {
    const record = this.#records.get(key);
    record.unsent.clear();
    record.conflicts.clear();
    this.#tell(key);
  }

  #tell(key, news = {}) {
    this.dispatchEvent(new CustomEvent("change", { detail: { key, ...news } }));
  }
}
