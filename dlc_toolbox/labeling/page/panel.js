/** The panels beside the image: images on the left, body parts on the right, and the lines above and below. */

import { HIDDEN, changedElsewhere, named } from "./labels.js";
import { markerIcon, sureness } from "./markers.js";

/** The element with an id. */
export const $ = (id) => document.getElementById(id);

/** Make an element with attributes and content. */
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...content.filter((piece) => piece !== null));
  return element;
}

/** Set a text only where it differs, so that nothing is read out twice. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const count = (number) => number.toLocaleString("en");
const CLASSES = { open: "open", begun: "begun", done: "done", "left out": "out" };

/** The list of images. */
export class ImagesPanel {
  #items = new Map();
  #listed = ""; // what the list was made of
  #current = null;

  /** @param {import("./page.js").Page} page */
  constructor(page) {
    this.page = page;
  }

  /** List the images anew: by folder, or most useful first. */
  list() {
    const { images } = this.page;
    $("ranked").hidden = !images.ranked;
    $("rank").checked = images.byRank;
    const listed = JSON.stringify([images.byRank, images.order, this.page.parts.length]);
    if (listed === this.#listed) return images.order.forEach((key) => this.update(key));
    this.#listed = listed;
    this.#items.clear();
    const item = (key) => make("li", {}, this.#item(images.entries.get(key)));
    const folders = images.byRank
      ? [["Most useful first", images.order]]
      : images.folders.map((folder) => [folder.name, folder.images.map(({ name }) => `${folder.name}/${name}`)]);
    $("images").replaceChildren(
      ...folders.map(([title, keys]) =>
        make(
          "section",
          {},
          make("h2", {}, title, make("small", {}, count(keys.length))),
          make("ul", {}, ...keys.map(item)),
        ),
      ),
    );
    this.#current = null;
    return this.show();
  }

  #item({ key, folder, name }) {
    const state = make("span", { class: "state", role: "img" });
    const { byRank, folders } = this.page.images;
    const title = byRank && folders.length > 1 ? `${name} · ${folder}` : name;
    const button = make(
      "button",
      { type: "button", "data-image": key, title: key, click: () => this.page.show(key) },
      state,
      make("span", { class: "name" }, title),
      make("small", {}),
    );
    this.#items.set(key, { button, state, note: button.lastChild });
    this.update(key);
    return button;
  }

  /** Bring one image's line up to date. */
  update(key) {
    const item = this.#items.get(key);
    if (!item) return;
    const entry = this.page.images.entries.get(key);
    const all = this.page.project.bodyparts.length;
    const shown = [entry.state, entry.placed, entry.hidden, entry.machine, entry.warned, all].join();
    if (item.shown === shown) return; // thousands of lines are looked through at once
    item.shown = shown;
    item.state.className = `state ${CLASSES[entry.state]}`;
    item.state.setAttribute("aria-label", entry.state === "open" ? "no labels" : entry.state);
    item.state.style.setProperty("--share", `${(100 * (entry.placed + entry.hidden)) / all}%`);
    item.button.classList.toggle("warned", entry.warned);
    const machine = entry.machine ? ` +${entry.machine}` : "";
    write(item.note, entry.state === "open" && !machine ? "" : `${entry.placed + entry.hidden}/${all}${machine}`);
    item.note.title = machine ? `${entry.machine} machine labels wait` : "";
  }

  /** Mark the image at hand, and say how far the labeling is. */
  show() {
    const { placed, possible, done, images } = this.page.images.progress;
    const share = possible ? (100 * placed) / possible : 0;
    $("bar").firstElementChild.style.width = `${share}%`;
    $("bar").setAttribute("aria-valuenow", share.toFixed(1));
    write($("progress").firstElementChild, `${count(placed)} of ${count(possible)} labels`);
    write($("progress").lastElementChild, `${count(done)} of ${count(images)} images`);
    if (this.#current === this.page.key) return;
    this.#items.get(this.#current)?.button.removeAttribute("aria-current");
    this.#current = this.page.key;
    const button = this.#items.get(this.#current)?.button;
    button?.setAttribute("aria-current", "true");
    button?.scrollIntoView({ block: "nearest" });
  }
}

/** The list of body parts and what can be said of them. */
export class PartsPanel {
  #rows = new Map();
  #current = null;
  #shown = ""; // warnings

  /** @param {import("./page.js").Page} page @param {object} act the page's actions */
  constructor(page, act) {
    this.page = page;
    this.act = act;
    $("find").addEventListener("input", () => this.#filter());
    $("find").addEventListener("keydown", (event) => this.#found(event));
  }

  /** List the body parts anew. */
  list() {
    this.#rows.clear();
    $("parts").replaceChildren(...this.page.project.bodyparts.map((part, at) => make("li", {}, this.#row(part, at))));
    $("find").hidden = this.page.project.bodyparts.length < 8;
    this.#current = null;
  }

  #row(part, at) {
    const number = at < 9 ? `${at + 1}` : at < 18 ? `⇧${at - 8}` : "";
    const state = make("span", { class: "what" });
    const button = make(
      "button",
      { type: "button", "data-part": part.name, title: part.name, click: () => this.act.select(part.name) },
      make("kbd", {}, number),
      markerIcon(part),
      make("span", { class: "name" }, part.name),
      state,
    );
    this.#rows.set(part.name, { button, state });
    return button;
  }

  #filter() {
    const asked = $("find").value.trim().toLowerCase();
    this.#rows.forEach(({ button }, name) => (button.parentElement.hidden = !name.toLowerCase().includes(asked)));
  }

  #found(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    const asked = $("find").value.trim().toLowerCase();
    const names = [...this.#rows.keys()].filter((name) => name.toLowerCase().includes(asked));
    const best = names.find((name) => name.toLowerCase().startsWith(asked)) ?? names[0];
    if (event.key === "Enter" && asked && best) this.act.select(best);
    $("find").value = "";
    this.#filter();
    $("view").focus();
    event.preventDefault();
    event.stopPropagation();
  }

  /** Bring all lines up to date. */
  show() {
    const { page } = this;
    const warnings = page.film ? [] : page.state.warnings;
    const warned = new Set(warnings.map(({ part }) => part));
    const conflicts = page.film ? {} : page.labels.conflicts(page.key);
    for (const [name, { button, state }] of this.#rows) {
      const [kind, text] = this.#stateOf(name);
      button.dataset.state = kind;
      button.classList.toggle("warned", warned.has(name) || named(conflicts, name) !== null);
      write(state, text);
    }
    if (this.#current !== page.part) {
      this.#rows.get(this.#current)?.button.removeAttribute("aria-current");
      this.#current = page.part;
      const { button } = this.#rows.get(page.part);
      button.setAttribute("aria-current", "true");
      button.scrollIntoView({ block: "nearest" });
    }
    this.#showNow();
    this.#showWarnings(conflicts, warnings);
  }

  #stateOf(name) {
    if (this.page.film) return ["open", ""];
    const { at, accepted } = this.page.labels.value(this.page.key, name);
    if (at === HIDDEN) return ["hidden", "not visible"];
    if (at) return [accepted ? "accepted" : "placed", at.map((value) => value.toFixed(1)).join(", ")];
    const machine = this.page.machine(name);
    return machine ? ["machine", `machine ${sureness(machine[2])}`.trim()] : ["open", "open"];
  }

  /** The one sentence that tells what to do. */
  #showNow() {
    const { page } = this;
    const part = page.project.bodyparts.find(({ name }) => name === page.part);
    const rest = page.open.length;
    const [title, hint] = this.#sentence(rest);
    const text = `${title}|${hint}|${part.name}`;
    if ($("now").dataset.text === text) return;
    $("now").dataset.text = text;
    const name = make("strong", {}, markerIcon(part), part.name);
    const pieces = [make("p", {}, title), page.film ? null : name, make("p", { class: "hint" }, hint)];
    $("now").replaceChildren(...pieces.filter(Boolean));
  }

  #sentence(rest) {
    const { page } = this;
    if (page.film) return ["This is the video", "K takes this frame, M goes back."];
    if (page.why) return ["Reading only", page.why];
    if (page.leftOut) return ["This image is left out", "Shift+X takes it back."];
    const left = `${rest} part${rest === 1 ? "" : "s"} open`;
    if (page.machine(page.part)) return ["Is the hollow mark right?", "V accepts it; else click or drag."];
    if (page.at(page.part) === null) return ["Click in the image on", `Cannot be seen? Press Q · ${left}`];
    if (rest) return ["Set: drag or click to mend", left];
    if (page.images.nextOpen(page.key)) return ["All parts are set", "E goes to the next unlabeled image."];
    return ["All images are labeled", "Go on with Step 2, in the terminal."];
  }

  #showWarnings(conflicts, warnings) {
    const { page } = this;
    const lines = [
      ...Object.entries(conflicts).map(([part, sides]) => this.#conflict(part, sides)),
      ...warnings.map(({ part, text }) =>
        make("p", {}, make("button", { type: "button", class: "link", click: () => this.act.select(part) }, text)),
      ),
      ...(page.options.others && !page.film ? this.#agreement() : []),
    ];
    $("warnings").hidden = !lines.length;
    const shown = JSON.stringify([page.key, conflicts, lines.map(({ textContent }) => textContent)]);
    if (shown !== this.#shown) $("warnings").replaceChildren(...lines);
    this.#shown = shown;
  }

  #conflict(part, { yours, theirs, kept }) {
    const text = (at) => (Array.isArray(at) ? at.map((value) => value.toFixed(1)).join(", ") : (at ?? "no label"));
    const use = (at) => () => this.act.settle(part, at);
    const stands = kept === "yours" ? "Yours stands." : "The other one stands.";
    return make(
      "p",
      { class: "conflict" },
      `${changedElsewhere(part)} ${stands}`,
      make(
        "span",
        { class: "choices" },
        make("button", { type: "button", click: use(yours) }, `Yours (${text(yours)})`),
        make("button", { type: "button", click: use(theirs) }, `Theirs (${text(theirs)})`),
      ),
    );
  }

  /** How far apart other people's labels are on the average. */
  #agreement() {
    const { page } = this;
    const own = new Map(page.parts.map((part) => [part, page.at(part)]));
    const people = Object.entries(page.state.others);
    if (!people.length) return [make("p", { class: "quiet" }, "Nobody else labeled this image.")];
    return people.map(([scorer, places]) => {
      const pairs = Object.entries(places).filter(([part]) => Array.isArray(own.get(part)));
      const away = pairs.map(([part, [x, y]]) => Math.hypot(x - own.get(part)[0], y - own.get(part)[1]));
      const mean = away.reduce((sum, value) => sum + value, 0) / away.length;
      const text = away.length
        ? `${mean.toFixed(1)} px apart on average (${away.length} part${away.length === 1 ? "" : "s"})`
        : "no part in common yet";
      return make("p", { class: "quiet" }, `${scorer}: ${text}`);
    });
  }
}
