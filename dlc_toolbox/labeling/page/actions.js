/** What keys, buttons and gestures do: each action of the tables in keys.js and of the buttons' `data-does`. */

import { digitOf } from "./keys.js";
import { HIDDEN, LEFT_OUT, chosen, keyOf } from "./labels.js";
import { Refusal, ask } from "./server.js";

const OPEN = { at: null, accepted: false };
const STEPS = [0.1, 1, 10]; // px
const UNLIKELY = 0.1; // likelihood of a machine label whose part, mostly, cannot be seen
const DIRECTIONS = {
  arrowleft: [-1, 0],
  arrowright: [1, 0],
  arrowup: [0, -1],
  arrowdown: [0, 1],
  a: [-1, 0],
  d: [1, 0],
  w: [0, -1],
  s: [0, 1],
};

/** @param {import("./page.js").Page} page */
export function actionsOf(page) {
  let undoing = Promise.resolve();

  /** Whether labels of the image on the screen can be changed now; says why not. */
  function ready() {
    if (!page.key || page.key !== page.wanted) return false;
    if (page.film) page.tell.say("This is the video: K takes this frame, Esc goes back to the image.");
    else if (page.peek) {
      page.lookAt(0);
      page.tell.say("Back at the image itself: labels are placed on it alone.");
    } else if (page.why) page.tell.say(page.why);
    else if (page.leftOut) page.tell.say("This image is left out. Shift+X takes it back.");
    else return true;
    return false;
  }

  /** Change parts of the image at hand: a list of [part, value]. */
  const change = (values) => page.labels.change(values.map(([part, to]) => ({ key: page.key, part, to })));

  function select(part, armed = true) {
    Object.assign(page, { part, meant: part, armed, cross: null });
    page.refresh();
  }

  /** Go on after a part was set: to the next open one, or from a finished image to the next open image. */
  function goOn(wasOpen) {
    const open = page.open;
    if (open.length && page.options.autoPart && !open.includes(page.part)) {
      const at = page.parts.indexOf(page.part);
      select(open.find((part) => page.parts.indexOf(part) > at) ?? open[0]);
    }
    if (open.length || !wasOpen || !page.options.autoImage) return;
    const next = page.images.nextOpen(page.key);
    const done = `${page.state.name} is labeled. Z takes its last label back.`;
    page.tell.say(next ? done : "All images are labeled. Well done!");
    if (next) page.show(next);
  }

  /** Set the current part, and go on. */
  function set(value) {
    const wasOpen = page.open.length > 0;
    page.cross = null;
    page.armed = false;
    if (change([[page.part, value]])) {
      page.tell.hush(); // what was said of the click before
      goOn(wasOpen);
    } else page.refresh();
  }

  /** Whether a label may be put there; says why not. */
  function isInside(at) {
    const is = page.view.holds(...at);
    if (!is) page.tell.say("That is outside the image.");
    return is;
  }

  function place(at) {
    if (isInside(at)) set(chosen(at));
  }

  /** Accept machine labels of the image at hand. */
  function accept(parts) {
    if (!ready()) return;
    const found = parts.filter((part) => page.machine(part));
    if (!found.length)
      return page.tell.say(parts.length > 1 ? "No machine labels here." : `No machine label of ${parts[0]}.`);
    const { key } = page;
    const unlikely = found.filter((part) => (page.machine(part)[2] ?? 1) < UNLIKELY);
    change(found.map((part) => [part, { at: page.machine(part).slice(0, 2), accepted: true }]));
    goOn(true);
    if (parts.length === 1 || !unlikely.length) return undefined;
    const back = { text: "Go back", act: () => page.show(key, unlikely[0]) };
    return page.tell.say(`Accepted, though the network is not sure: ${unlikely.join(", ")}.`, back);
  }

  /** Copy labels as they are now in the nearest labeled image before this one. */
  async function copy(parts) {
    if (!ready()) return;
    const { key } = page;
    const from = page.images.labeledBefore(key);
    if (!from) return page.tell.say("No labeled image comes before this one in its folder.");
    await page.load(from);
    if (page.key !== key) return;
    const places = parts.map((part) => [part, page.labels.value(from, part).at]).filter(([, at]) => Array.isArray(at));
    const done = change(places.map(([part, at]) => [part, chosen(at)]));
    page.tell.say(done ? "Copied. Drag what does not fit." : "Nothing to copy for the parts that are open here.");
  }

  /** What a part would bring to its twin: its label, or the machine's, which stays one that a network placed. */
  function movable(part) {
    const machine = page.machine(part);
    return machine ? { at: machine.slice(0, 2), accepted: true } : page.labels.value(page.key, part);
  }

  function swap(parts) {
    if (!ready()) return;
    const twins = new Map(page.project.bodyparts.map(({ name, partner }) => [name, partner]));
    const pairs = parts.filter((part) => twins.get(part)).map((part) => [part, twins.get(part)]);
    const once = pairs.filter(([part, twin]) => parts.length === 1 || part < twin);
    if (!once.length)
      return page.tell.say("No part of another side goes with it: pairs are known by left and right in their names.");
    return change(
      once.flatMap(([part, twin]) => [
        [part, movable(twin)],
        [twin, movable(part)],
      ]),
    );
  }

  /** Move the label of the current part, or the crosshair where it is open. */
  function nudge(du, dv, step) {
    if (!ready()) return;
    const at = page.at(page.part);
    if (Array.isArray(at)) {
      const to = [at[0] + du * step, at[1] + dv * step];
      if (!isInside(to)) return;
      change([[page.part, chosen(to)]]);
      page.view.reveal(...to);
    } else {
      const [x, y] = page.cross ?? page.machine(page.part) ?? middle();
      page.cross = [x + du * step, y + dv * step];
      page.view.reveal(...page.cross);
    }
    page.refresh();
  }

  /** The image place in the middle of the canvas, or of the image. */
  function middle() {
    const { width, height } = page.state.image;
    const centre = page.view.centre.map(Math.round);
    return page.view.holds(...centre) ? centre : [Math.round(width / 2), Math.round(height / 2)];
  }

  async function acceptFolder() {
    const { likelihood } = page.options;
    if (!ready()) return;
    if (likelihood === null) return page.tell.say("Nothing is accepted: Folder from must be a number from 0 to 1.");
    if (!(await page.saver.flush())) return;
    const body = { folder: page.state.folder, name: null, parts: null, likelihood };
    const { accepted, changes } = await page.saver.during(ask("POST", "/api/accept", body));
    const step = changes.flatMap((image) => image.parts.map((part) => ({ key: keyOf(image), part, before: OPEN })));
    if (step.length) page.labels.remember(step);
    changes
      .map(keyOf)
      .filter((key) => key !== page.key)
      .forEach((key) => page.labels.forget(key));
    await page.reload(page.key);
    await page.fetchProject();
    page.tell.say(
      accepted ? `${accepted} machine labels accepted. Z takes them back.` : "No machine label is that sure.",
    );
  }

  async function travel(direction) {
    const [gone] = page.labels.passOver(direction, (key) => page.images.entries.has(key));
    const step = page.labels.next(direction);
    if (gone) page.tell.say(`Passed over: ${gone} is not in its folder any more.`);
    else if (step) page.tell.hush();
    else page.tell.say(`Nothing to ${direction}.`);
    if (!step) return page.refresh();
    const keys = new Set(step.map(({ key }) => key));
    await Promise.all([...keys].map((key) => page.load(key)));
    const { key, part } = step[0];
    const shown = part === LEFT_OUT ? null : part;
    if (key !== page.key && !(await page.show(key, shown))) return undefined;
    if (shown) select(shown);
    return page.labels.undo(direction);
  }

  const inTurn = (direction) => {
    const step = undoing.then(() => travel(direction));
    step.catch(complain);
    undoing = step.catch(() => {}); // one that fails holds up no other
  };

  /** Say what the server refused. */
  function complain(error) {
    if (!(error instanceof Refusal)) throw error;
    page.tell.say(error.message);
  }

  function stepPart(by) {
    const parts = page.parts;
    select(parts[(parts.indexOf(page.part) + by + parts.length) % parts.length]);
  }

  function stepImage(by) {
    const next = page.images.beside(page.wanted, by);
    if (next) page.show(next);
    else if (page.key) page.tell.say(by > 0 ? "This is the last image." : "This is the first image.");
  }

  function zoom(factor) {
    if (!page.key) return;
    const target = page.cross ?? (Array.isArray(page.at(page.part)) ? page.at(page.part) : page.view.centre);
    page.view.zoomAt(factor, ...page.view.toCanvas(...target));
    page.refresh();
  }

  return {
    click: (at, hit) => {
      if (!ready()) return;
      const done = !page.open.length && !page.armed; // nothing is asked for, so no label moves by a mere click
      const free = hit === null || hit === page.part || page.armed || page.at(page.part) === null;
      if (!done && free) place(at);
      else if (hit !== null) select(hit, false);
      else page.tell.say("All parts are set: drag a marker, or choose a part in the list to place it anew.");
    },
    drop: (part, at) => {
      page.held = null;
      if (at && ready()) {
        select(part, false);
        place(at);
      }
      page.refresh();
    },
    select,
    settle: (part, at) => {
      page.labels.change([{ key: page.key, part, to: { at, accepted: false }, always: true }]);
      page.labels.dismiss(page.key, part);
    },
    complain,
    hide: () => ready() && set(page.at(page.part) === HIDDEN ? OPEN : chosen(HIDDEN)),
    clear: () => ready() && change([[page.part, OPEN]]),
    copyAll: () => copy(page.open).catch(complain),
    copyOne: () => copy([page.part]).catch(complain),
    swapOne: () => swap([page.part]),
    swapAll: () => swap(page.parts),
    acceptOne: () => accept([page.part]),
    acceptAll: () => accept(page.parts),
    acceptFolder: () => acceptFolder().catch(complain),
    undo: () => inTurn("undo"),
    redo: () => inTurn("redo"),
    leaveOut: () => {
      if (!page.settled) return;
      if (page.why) page.tell.say(page.why);
      else change([[LEFT_OUT, { at: !page.leftOut, accepted: false }]]);
    },
    nudge: (event, name) => {
      const key = name.split("+").at(-1);
      const arrow = key.startsWith("arrow");
      const step = !arrow ? page.options.step : event.shiftKey ? 10 : event.altKey || event.ctrlKey ? 0.1 : 1;
      nudge(...DIRECTIONS[key], step);
    },
    step: () => page.choose("step", STEPS[(STEPS.indexOf(page.options.step) + 1) % STEPS.length]),
    enter: () => {
      if (!ready()) return;
      if (page.cross) place(page.cross);
      else if (page.machine(page.part)) accept([page.part]);
      else nudge(0, 0, 0);
    },
    previousPart: () => stepPart(-1),
    nextPart: () => stepPart(1),
    number: (event, name) => {
      const part = page.parts[digitOf(event) - 1 + (name.startsWith("shift") ? 9 : 0)];
      if (part) select(part);
    },
    previousImage: () => stepImage(-1),
    nextImage: () => stepImage(1),
    nextOpen: () => {
      const next = page.images.nextOpen(page.wanted);
      if (next) page.show(next);
      else if (page.key)
        page.tell.say(
          page.open.length ? "This is the last image with open parts." : "All images are labeled. Well done!",
        );
    },
    order: () => {
      if (!page.images.ranked) return page.tell.say("The order by use comes with the helper's first suggestions.");
      page.images.byRank = !page.images.byRank;
      page.images.sort();
      page.tell.project();
      return page.choose("byRank", page.images.byRank);
    },
    fit: () => {
      page.view.fit();
      page.refresh();
    },
    zoomIn: () => zoom(1.25),
    zoomOut: () => zoom(0.8),
    names: () => page.choose("names", !page.options.names),
    skeleton: () => page.choose("skeleton", !page.options.skeleton),
    others: () => page.choose("others", !page.options.others),
    ghosts: () => {
      if (!page.key) return undefined;
      if (!page.folder.video) return page.tell.say(page.noVideo);
      page.choose("ghosts", (page.options.ghosts + 1) % 3);
      return page.fetchGhosts();
    },
    earlier: () => page.lookAt(page.peek - 1),
    later: () => page.lookAt(page.peek + 1),
  };
}
