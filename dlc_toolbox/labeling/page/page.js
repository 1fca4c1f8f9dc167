/** What is on the screen: the project, the image and body part at hand, and how they are shown. */

import { Painter } from "./canvas.js";
import { Images } from "./images.js";
import { HIDDEN, LEFT_OUT, Labels, changedElsewhere, named } from "./labels.js";
import { Light, Pictures } from "./pictures.js";
import { Refusal, Saver, address, ask } from "./server.js";
import { View } from "./view.js";

const DEFAULTS = {
  names: false,
  skeleton: true,
  others: false,
  ghosts: 0,
  autoPart: true,
  autoImage: true,
  step: 1,
  byRank: null,
  likelihood: 0.9,
};

const LARGE = 20e6; // pixels: of images beyond, fewer are fetched ahead

const isGone = (key) => `${key} is not in its folder any more.`;

/** What the person chose on earlier visits. */
function remembered() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem("labeling")) };
  } catch {
    return { ...DEFAULTS };
  }
}

export class Page {
  project = null;
  images = new Images();
  labels = new Labels();
  view = new View();
  light = new Light();
  pictures = new Pictures(8);
  frames = new Pictures(8); // of videos
  options = remembered();
  key = null; // the image on the screen
  wanted = null; // the image that is to be there: another one while it is fetched
  part = null; // name of the current body part
  meant = null; // the part that a person has chosen since the wanted image was asked for
  armed = true; // the part was chosen to be placed: a click on another part's marker places it too
  cross = null; // where the keyboard would place
  held = null; // {part, at}: a marker on its way
  finger = false; // whether a finger covers it
  peek = 0; // video frames away from the image
  film = null; // bitmap of the video that is looked through
  lost = null; // why the server does not answer
  #url = null; // of the picture on the screen
  #bitmap = null;
  #neighbour = null;
  #ghosts = [];

  /** @param {Object<string, Function>} tell what others want to know; `turned`: another picture is shown */
  constructor(canvas, tell) {
    this.tell = tell;
    this.saver = new Saver(this.labels, () => tell.status());
    this.painter = new Painter(canvas, this.view, () => this.scene());
    this.labels.addEventListener("change", ({ detail: { key, saved } }) => {
      this.images.update(this.labels, key);
      tell.image(key, saved);
      if (key !== this.key) return;
      this.refresh();
      this.#lookAtPicture();
    });
  }

  /** The body parts' names, in the project's order. */
  get parts() {
    return this.project.bodyparts.map(({ name }) => name);
  }

  /** Parts of the image at hand that are neither placed nor not visible. */
  get open() {
    return this.key ? this.parts.filter((part) => this.at(part) === null) : [];
  }

  /** What is shown for a part of the image at hand: [x, y], "not visible" or null. */
  at(part) {
    return this.key && this.labels.value(this.key, part).at;
  }

  /** The machine's label of an open part, or null. */
  machine(part) {
    return this.key && this.labels.machine(this.key, part);
  }

  get state() {
    return this.labels.state(this.key);
  }

  get leftOut() {
    return this.labels.value(this.key, LEFT_OUT).at;
  }

  /** Why labels of the image at hand cannot be changed, or null. */
  get why() {
    return this.project.writable ? (this.folder.problem ?? null) : this.project.why;
  }

  /** Whether the picture on the screen is the image whose labels are shown. */
  get settled() {
    return this.key !== null && this.key === this.wanted && !this.peek && !this.film;
  }

  /** Remember a choice for later visits. */
  choose(name, value) {
    this.options[name] = value;
    try {
      localStorage.setItem("labeling", JSON.stringify(this.options));
    } catch {
      // a browser that keeps nothing still labels
    }
    this.refresh();
  }

  /** Fetch the project, and show its first open image if none is shown. */
  async fetchProject() {
    const before = this.project && JSON.stringify(this.project.bodyparts);
    this.project = await ask("GET", "/api/project");
    const isOther = before && before !== JSON.stringify(this.project.bodyparts);
    if (!this.parts.includes(this.part)) [this.part] = this.parts;
    const [disputed] = this.images.setProject(this.project);
    this.images.byRank = this.options.byRank !== false && this.images.ranked;
    this.images.sort();
    this.images.order.forEach((key) => this.images.update(this.labels, key));
    this.tell.project();
    if (disputed) this.sayOf(disputed[0], disputed[1], changedElsewhere(disputed[1]));
    if (this.key && !this.images.entries.has(this.key)) {
      this.tell.say(isGone(this.key));
      this.key = null;
    }
    if (isOther) await this.lookAgain();
    if (!this.key) await this.#begin();
    this.refresh();
  }

  /** Say something about a part of an image, and lead there, unless it is looked at. */
  sayOf(key, part, text) {
    if (key !== this.wanted) this.tell.say(`${key}: ${text}`, { text: "Go back", act: () => this.show(key, part) });
  }

  /** Show the image and part that the address names, else the first open image. */
  async #begin() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const [image, part] = [asked.get("image"), asked.get("part")];
    const key = this.images.entries.has(image) ? image : this.images.first;
    await this.show(key, this.parts.includes(part) ? part : null);
  }

  /** Have an image's labels here, from memory where they are there. */
  async load(key) {
    if (!this.labels.state(key)) await this.reload(key);
    return this.labels.state(key);
  }

  /** Fetch an image's labels again, unless something newer happened to them here meanwhile. */
  async reload(key) {
    const { folder, name } = this.images.entries.get(key);
    const turn = this.labels.turn(key);
    const state = await ask("GET", address("labels", folder, name));
    if (this.labels.turn(key) === turn && !this.labels.isUnsaved(key)) this.labels.take(state);
  }

  /** Take in what the server says of an image now: at once where it is looked at, else when it is asked for. */
  async lookAgainAt(key) {
    if (key === this.key || key === this.wanted) await this.reload(key);
    else this.labels.forget(key);
  }

  /** The same for all images. */
  async lookAgain() {
    const kept = [...new Set([this.key, this.wanted])].filter((key) => this.images.entries.has(key));
    this.labels.forgetAll(kept);
    await Promise.all(kept.map((key) => this.reload(key)));
  }

  #pictureOf(state) {
    return `${address("images", state.folder, state.name)}?v=${encodeURIComponent(state.image.hash)}`;
  }

  /**
   * Show an image, and its first open part (or the one asked for).
   * @returns {Promise<boolean>} whether it is shown now
   */
  async show(key, part = null) {
    if (key === null) return false;
    if (!this.images.entries.has(key)) {
      this.tell.say(isGone(key));
      return false;
    }
    this.wanted = key;
    this.meant = part;
    this.tell.waiting(true);
    try {
      const [url, bitmap] = await this.#fetchPicture(key);
      if (this.wanted !== key) return false;
      this.#put(key, url, bitmap);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.wanted === key) this.wanted = this.key;
      this.tell.say(error.message);
      return false;
    } finally {
      this.tell.waiting(this.wanted !== this.key);
    }
    this.#fetchBeside();
    return true;
  }

  /** Address and bitmap of an image, whose file may have been exchanged since its labels were fetched. */
  async #fetchPicture(key) {
    const fetch = async () => {
      const url = this.#pictureOf(await this.load(key));
      return [url, await this.pictures.get(url)];
    };
    return fetch().catch(async (error) => {
      if (error.status !== 404) throw error;
      await this.reload(key);
      return fetch();
    });
  }

  /** Show the picture anew when the file is another one than the one on the screen. */
  async #lookAtPicture() {
    if (this.key !== this.wanted || this.#pictureOf(this.state) === this.#url) return;
    this.#url = this.#pictureOf(this.state); // once
    if (await this.show(this.key, this.part)) this.tell.say("This image was exchanged on the disk: check its labels.");
  }

  #put(key, url, bitmap) {
    const part = this.parts.includes(this.meant) ? this.meant : null;
    this.pictures.hold([url]);
    this.#url = url;
    this.key = key;
    this.#bitmap = bitmap;
    this.#ghosts = [];
    Object.assign(this, { cross: null, peek: 0, film: null });
    this.armed = part !== null || this.open.length > 0; // a finished image asks for nothing
    this.view.setImage(bitmap.width, bitmap.height);
    const kept = this.parts.includes(this.part) ? this.part : this.parts[0];
    this.part = part ?? (this.options.autoPart ? (this.open[0] ?? kept) : kept);
    this.tell.turned();
    this.refresh();
    this.fetchGhosts();
  }

  /** Fetch what will probably be asked for next. */
  #fetchBeside() {
    const isLarge = this.#bitmap.width * this.#bitmap.height > LARGE;
    const beside = (isLarge ? [1] : [1, 2, -1]).map((step) => this.images.beside(this.key, step));
    for (const key of new Set([this.images.nextOpen(this.key), ...beside])) {
      if (!key) continue;
      this.load(key)
        .then((state) => this.pictures.get(this.#pictureOf(state)))
        .catch(() => {}); // said when it is asked for in earnest
    }
  }

  /** The folder of the image at hand. */
  get folder() {
    return this.project.folders.find(({ name }) => name === this.state.folder);
  }

  /** Why the video of the image at hand cannot be shown. */
  get noVideo() {
    return this.folder.why_no_video ?? "The video of this folder is not at hand.";
  }

  #frame(offset) {
    return this.frames.get(address("neighbour", this.state.folder, this.state.name, String(offset)));
  }

  /** Show the video frame `offset` away from the image; 0 is the image itself. */
  async lookAt(offset) {
    const { key } = this;
    if (!key) return undefined;
    if (offset && !this.folder.video) return this.tell.say(this.noVideo);
    this.peek = Math.max(-2, Math.min(2, offset));
    this.tell.turned();
    const asked = this.peek;
    try {
      const bitmap = asked ? await this.#frame(asked) : null;
      if (this.key === key && this.peek === asked) this.#neighbour = bitmap;
    } catch (error) {
      if (this.peek === asked) this.peek = 0;
      this.tell.say(error.message);
    }
    return this.refresh();
  }

  /** Fetch the neighbours that are shown through the image. */
  async fetchGhosts() {
    const [key, reach] = [this.key, this.folder?.video ? this.options.ghosts : 0];
    const offsets = [-2, -1, 1, 2].filter((offset) => Math.abs(offset) <= reach);
    const found = await Promise.all(offsets.map((offset) => this.#frame(offset).catch(() => null)));
    if (this.key !== key) return;
    this.#ghosts = found.filter(Boolean);
    this.painter.ask();
  }

  /** Show a frame of the video that is looked through; null: back to the image. */
  showFilm(bitmap) {
    this.film = bitmap;
    const shown = bitmap ?? this.#bitmap;
    if (shown) this.view.setImage(shown.width, shown.height);
    this.tell.turned();
    this.refresh();
  }

  /** The part whose marker is nearest to a canvas place and within reach, or null. */
  hit(u, v, reach) {
    if (!this.settled) return null;
    const distance = ({ part, at }) => {
      const [mu, mv] = this.view.toCanvas(...at);
      return { part: part.name, away: Math.hypot(u - mu, v - mv) - (part.name === this.part ? 0.5 : 0) };
    };
    const near = this.#marks()
      .map(distance)
      .sort((one, other) => one.away - other.away)[0];
    return near && near.away <= reach ? near.part : null;
  }

  #marks() {
    return this.project.bodyparts.flatMap((part) => {
      const held = this.held?.part === part.name;
      const current = part.name === this.part;
      const at = held ? this.held.at : this.at(part.name);
      if (Array.isArray(at)) return [{ part, at, current, held }];
      const machine = this.machine(part.name);
      return machine && at !== HIDDEN ? [{ part, at: machine.slice(0, 2), machine: machine[2], current, held }] : [];
    });
  }

  #bones(marks) {
    const places = new Map(marks.map(({ part, at }) => [part.name, at]));
    return this.project.skeleton
      .map((bone) => bone.map((name) => places.get(name)))
      .filter((bone) => bone.every(Boolean));
  }

  #others() {
    const people = Object.entries(this.state.others);
    return people.flatMap(([scorer, places]) =>
      this.project.bodyparts
        .filter(({ name }) => named(places, name))
        .map((part) => {
          const [at, own] = [places[part.name], this.at(part.name)];
          const from = Array.isArray(own) ? own : null;
          const away = from && Math.hypot(at[0] - from[0], at[1] - from[1]);
          const who = people.length > 1 || away === null ? [scorer] : []; // a single one is named in the panel
          return { part, at, from, text: [...who, ...(away === null ? [] : [`${away.toFixed(1)} px`])].join(" ") };
        }),
    );
  }

  /** What the canvas shows now: see canvas.js. */
  scene() {
    const nothing = { picture: null, ghosts: [], marks: [], bones: [], others: [], cross: null, loupe: null, faint: 1 };
    if (this.film) return { ...nothing, picture: this.light.of(this.film) };
    if (!this.key) return nothing;
    const marks = this.#marks();
    const peeking = this.peek && this.#neighbour;
    return {
      picture: this.light.of(peeking || this.#bitmap),
      ghosts: peeking ? [] : this.#ghosts,
      marks: marks.sort((one, other) => one.current - other.current),
      bones: this.options.skeleton ? this.#bones(marks) : [],
      others: this.options.others ? this.#others() : [],
      names: this.options.names,
      cross: this.cross,
      loupe: this.finger && this.held ? this.held.at : null,
      faint: peeking || this.leftOut ? 0.4 : 1,
    };
  }

  /** Bring panels and canvas up to date. */
  refresh() {
    this.tell.refreshed();
    this.painter.ask();
  }
}
