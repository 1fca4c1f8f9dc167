/** The images of the project: their order, where the labeling stands, and which one comes next. */

import { HIDDEN, LEFT_OUT, keyOf } from "./labels.js";

export class Images {
  entries = new Map(); // key -> {key, folder, name, state, placed, hidden, machine, rank, conflicts, warned}
  folders = [];
  byRank = false; // most worth labeling first, instead of the files' order
  #order = [];
  #bodyparts = [];

  /**
   * Take over the project's list.
   * @returns {Array<[string, string]>} image and part of each label that another program changed too since then
   */
  setProject(project) {
    const old = this.entries;
    this.#bodyparts = project.bodyparts.map(({ name }) => name);
    this.folders = project.folders;
    this.entries = new Map();
    for (const folder of project.folders) {
      for (const image of folder.images) {
        const key = keyOf({ folder: folder.name, name: image.name });
        const warned = image.doubtful || image.conflicts.length > 0;
        this.entries.set(key, { ...image, key, folder: folder.name, warned });
      }
    }
    this.sort();
    return [...this.entries.values()].flatMap(({ key, conflicts }) => {
      const before = old.get(key)?.conflicts ?? conflicts; // of a list that is new nothing is news
      return conflicts.filter((part) => !before.includes(part)).map((part) => [key, part]);
    });
  }

  /** Whether a helper said which images are most worth labeling. */
  get ranked() {
    return [...this.entries.values()].some(({ rank }) => rank !== null);
  }

  /** Put the images in the order that `byRank` asks for. */
  sort() {
    const all = [...this.entries.values()];
    if (this.byRank) all.sort((one, other) => (other.rank ?? -Infinity) - (one.rank ?? -Infinity) || 0);
    this.#order = all.map(({ key }) => key);
  }

  /** Keys of all images in the present order. */
  get order() {
    return this.#order;
  }

  /** Bring an image's entry up to what is shown of its labels. */
  update(labels, key) {
    const entry = this.entries.get(key);
    const state = labels.state(key);
    if (!entry || !state) return;
    const values = this.#bodyparts.map((part) => labels.value(key, part).at);
    entry.hidden = values.filter((at) => at === HIDDEN).length;
    entry.placed = values.filter(Array.isArray).length;
    entry.machine = this.#bodyparts.filter((part) => labels.machine(key, part)).length;
    entry.warned = labels.worries(key).length > 0;
    const set = entry.placed + entry.hidden;
    if (labels.value(key, LEFT_OUT).at) entry.state = "left out";
    else entry.state = set === 0 ? "open" : set < values.length ? "begun" : "done";
  }

  /** The image `step` places further in the order, or null beyond its ends. */
  beside(key, step) {
    return this.#order[this.#order.indexOf(key) + step] ?? null;
  }

  /** The next image after this one, round the end, that has open parts and is not left out; or null. */
  nextOpen(key) {
    const at = this.#order.indexOf(key);
    const round = [...this.#order.slice(at + 1), ...this.#order.slice(0, Math.max(at, 0))];
    return round.find((other) => ["open", "begun"].includes(this.entries.get(other).state)) ?? null;
  }

  /** The nearest image before this one in its folder that has labels, whatever the order; or null. */
  labeledBefore(key) {
    const { folder } = this.entries.get(key);
    const inFolder = [...this.entries.values()].filter((entry) => entry.folder === folder);
    const before = inFolder.slice(
      0,
      inFolder.findIndex((entry) => entry.key === key),
    );
    return before.findLast(({ placed, state }) => placed > 0 && state !== "left out")?.key ?? null;
  }

  /** The image to begin with: the first that has open parts, else the first. */
  get first() {
    const open = this.#order.find((key) => ["open", "begun"].includes(this.entries.get(key).state));
    return open ?? this.#order[0] ?? null;
  }

  /** Labels placed and possible (images left out and parts not visible do not count), images done and all. */
  get progress() {
    const kept = [...this.entries.values()].filter(({ state }) => state !== "left out");
    const sum = (name) => kept.reduce((total, entry) => total + entry[name], 0);
    return {
      placed: sum("placed"),
      possible: kept.length * this.#bodyparts.length - sum("hidden"),
      done: kept.filter(({ state }) => state === "done").length,
      images: kept.length,
    };
  }
}
