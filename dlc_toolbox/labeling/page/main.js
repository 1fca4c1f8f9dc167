/** Joins the parts of the labeling page. */

import { actionsOf } from "./actions.js";
import { Questions, hush, say, showHelp, showNotices } from "./dialogs.js";
import { bindKeys } from "./keys.js";
import { networkActions, showNetwork, takeJob } from "./network.js";
import { Page } from "./page.js";
import { $, ImagesPanel, PartsPanel, make, write } from "./panel.js";
import { Pointer } from "./pointer.js";
import { ask, listen } from "./server.js";
import { VideoStrip } from "./video.js";

const PAUSE = 400; // ms: news that come together are fetched together
const SLOW = 150; // ms until the page says that it waits
const HINT = matchMedia("(pointer: coarse)").matches
  ? "Tap: place · Drag a marker: move it · Two fingers: zoom and scroll"
  : "Click: place · Drag: move · Wheel: zoom · Space + drag: scroll";

const canvas = $("view");
const turned = () => pointer.giveUp();
const tell = { status, image: showImage, project: showProject, refreshed, turned, say, hush, waiting };
const page = new Page(canvas, tell);
const strip = new VideoStrip(page, say);
const act = actionsOf(page);
Object.assign(
  act,
  {
    help: showHelp,
    video: () => strip.toggle(),
    frame: (event, name) => strip.key(name),
    pick: () => strip.pick().catch(act.complain),
    find: () => ($("find").hidden ? say("Few parts: their numbers are quicker.") : $("find").focus()),
    escape: () => {
      page.cross = null;
      if (strip.open) strip.toggle();
      else page.lookAt(0);
    },
  },
  networkActions(page, act.complain, () => showNetwork(page, act)),
);
const [images, parts] = [new ImagesPanel(page), new PartsPanel(page, act)];
const questions = new Questions(page, act.complain);
const keys = bindKeys(act);

const pointer = new Pointer(canvas, page.view, {
  hit: (u, v, reach) => page.hit(u, v, reach),
  isMeant: (part) => part === page.part || page.at(page.part) !== null,
  placeOf: (part) => (Array.isArray(page.at(part)) ? page.at(part) : page.machine(part).slice(0, 2)),
  click: act.click,
  aim: (at, finger) =>
    hold(at && page.settled && !page.leftOut && !page.why ? page.part : null, at, finger),
  drag: (part, at, finger) => hold(part, at, finger),
  drop: act.drop,
  hover: showWhere,
  moved: () => page.refresh(),
  moving: keys.space,
});

function hold(part, at, finger) {
  page.held = part === null ? null : { part, at };
  page.finger = finger;
  page.painter.ask();
}

function showWhere(at) {
  write($("where"), at && page.key ? `x ${at[0].toFixed(1)}  y ${at[1].toFixed(1)}` : "");
}

/** Say whether all is on disk, and if not, why not. */
function status() {
  const { saved, trouble, refused } = page.saver;
  document.body.dataset.saved = saved ? "yes" : "no";
  const sentence = saved ? page.lost : (trouble ?? page.lost);
  write($("saved"), saved ? "All saved" : "Saving …");
  $("saved").dataset.state = saved ? "yes" : "no";
  $("saved").hidden = Boolean(sentence);
  $("trouble").hidden = !sentence;
  if (!sentence) return;
  const waits = page.labels.unsaved.length;
  const rest = waits ? ` Not saved: changes of ${waits} image${waits > 1 ? "s" : ""}, kept on this page.` : "";
  const text = sentence.replace(/\.?$/, ".") + rest;
  const shown = `${refused.length} ${text}`;
  if ($("trouble").dataset.text === shown) return;
  $("trouble").dataset.text = shown;
  const again = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again" });
  again.addEventListener("click", () => page.saver.poke(true));
  $("trouble").replaceChildren(make("span", { title: text }, text), ...(waits ? [again] : []));
  if (!refused.length) return;
  const drop = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: "Give these changes up",
  });
  drop.addEventListener("click", () => page.saver.giveUp());
  $("trouble").append(drop);
}

/** Bring an image's line up to date; what just went to the disk may have brought a warning after the image was left. */
function showImage(key, saved) {
  images.update(key);
  if (saved && !page.project.help.can_train) fetchSoon(); // one image more may be enough
  const [worry] = page.labels.worries(key);
  if (saved && worry) page.sayOf(key, worry.part, worry.text);
}

function showProject() {
  const { project } = page;
  document.title = `${project.task}: label`;
  write($("task"), project.task);
  write($("scorer"), `labeled by ${project.scorer}`);
  images.list();
  parts.list();
  showNetwork(page, act);
  strip.refresh();
  questions.show();
  showNotices(project.writable ? project.notices : [project.why, ...project.notices]);
  $("empty").hidden = page.images.order.length > 0;
  write(
    $("empty"),
    "There are no images to label yet. Step 1 takes some from the videos; or press M and take frames yourself.",
  );
}

let slow = null;

function waiting(is) {
  clearTimeout(slow);
  if (is) slow = setTimeout(() => canvas.classList.add("waiting"), SLOW);
  else canvas.classList.remove("waiting");
}

/** Bring everything beside the canvas up to date. */
function refreshed() {
  const { key, options } = page;
  for (const name of ["names", "skeleton", "others"]) press(name, options[name]);
  for (const name of ["undo", "redo"]) $(name).disabled = !page.labels.next(name);
  tool("skeleton").hidden = !page.project?.skeleton.length;
  tool("others").hidden = page.project?.scorers.length < 2;
  press("ghosts", options.ghosts > 0, ["Ghosts", "Ghosts ±1", "Ghosts ±2"][options.ghosts]);
  press("video", strip.open);
  $("light").classList.toggle("on", !page.light.plain);
  write($("step"), `Step ${options.step} px`);
  write($("zoom"), `${Math.round(100 * page.view.scale)} %`);
  showBanner();
  if (!key || !page.state) return;
  const at = page.images.order.indexOf(key) + 1;
  const [where, name] = page.film ? strip.title : [`${page.state.folder}/`, page.state.name];
  write($("title").firstElementChild, where);
  write($("title").lastElementChild, name);
  $("title").title = where + name;
  write($("position"), page.film ? "" : `${at} of ${page.images.order.length}`);
  images.show();
  parts.show();
  showMachine();
  press("leaveOut", page.leftOut, page.leftOut ? "Take back" : "Leave out");
  canvas.setAttribute("aria-label", `Image ${key}. Body part: ${page.part}.`);
  write(
    $("hint"),
    page.cross
      ? "Arrows move the crosshair, Enter places the part there"
      : HINT,
  );
}

const tool = (name) => document.querySelector(`.tools [data-does="${name}"]`);

function press(name, is, text = null) {
  const button = tool(name);
  button.setAttribute("aria-pressed", String(is));
  if (text) write(button, text);
}

function showBanner() {
  const frames = Math.abs(page.peek);
  const side = page.peek < 0 ? "before" : "after";
  const text = page.film
    ? strip.banner
    : page.peek
      ? `The video ${frames} frame${frames > 1 ? "s" : ""} ${side} the image. Esc goes back to it.`
      : "";
  if (text && $("banner").hidden) hush(); // a message would cover it
  $("banner").hidden = !text;
  $("banner").title = text;
  $("hint").hidden = Boolean(text);
  write($("banner"), text);
}

let seen = false; // machine labels: their buttons are shown when the first ones come

function showMachine() {
  const here = page.parts.filter((part) => page.machine(part)).length;
  const folder = [...page.images.entries.values()].filter((entry) => entry.folder === page.state.folder);
  const all = folder.reduce((sum, { machine }) => sum + machine, 0);
  write($("machine-count"), all ? `${here} here, ${all.toLocaleString("en")} in all` : "none");
  if (all && !seen) $("machine").open = true;
  seen ||= all > 0;
}

function bindControls() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-does]");
    if (button) act[button.dataset.does](event, "");
    // a mouse's click leaves the keys to the image; one by the keyboard (detail 0) stays where it is
    if (
      event.detail &&
      event.target.closest("button, summary, [type=checkbox], [type=range]") &&
      !event.target.closest("dialog")
    ) {
      canvas.focus({ preventScroll: true });
    }
  });
  for (const [id, name] of [
    ["auto-part", "autoPart"],
    ["auto-image", "autoImage"],
  ]) {
    $(id).checked = page.options[name];
    $(id).addEventListener("change", () => page.choose(name, $(id).checked));
  }
  $("likelihood").value = page.options.likelihood;
  $("likelihood").addEventListener("input", () => {
    const typed = $("likelihood").valueAsNumber; // NaN when it is empty
    page.choose("likelihood", typed >= 0 && typed <= 1 ? typed : null);
  });
  $("rank").addEventListener("change", () => act.order());
  $("suggest").addEventListener("click", act.suggest);
  $("train").addEventListener("click", act.train);
  bindLight();
}

function bindLight() {
  const sliders = [...document.querySelectorAll("[data-light]")];
  const open = (is) => {
    $("lighting").hidden = !is;
    $("light").setAttribute("aria-expanded", String(is));
  };
  $("light").addEventListener("click", () => open($("lighting").hidden));
  addEventListener("keydown", ({ key }) => key === "Escape" && open(false));
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      page.light.settings[slider.dataset.light] = slider.valueAsNumber;
      page.refresh();
    });
  }
  $("plain").addEventListener("click", () => {
    page.light.reset();
    sliders.forEach((slider) => (slider.value = page.light.settings[slider.dataset.light]));
    page.refresh();
  });
}

let fetching = null;

function fetchSoon() {
  clearTimeout(fetching);
  const fetch = () => page.fetchProject().then(() => page.saver.poke(true)); // what was refused may be taken now
  fetching = setTimeout(() => fetch().catch(act.complain), PAUSE);
}

const again = new Set();

/** Look at an image again after a pause: its labels are known, but machine labels or other people's may be new. */
function lookAgainSoon(key) {
  if (!again.size)
    setTimeout(() => {
      again.forEach((other) => page.lookAgainAt(other).catch(act.complain));
      again.clear();
    }, PAUSE);
  again.add(key);
}

function bindEvents() {
  listen({
    hello: () => {
      page.lost = null;
      page.lookAgain().catch(act.complain); // what happened before, nobody told
      fetchSoon();
      page.saver.poke();
      status();
    },
    labels: ({ folder, name, version }) => {
      const key = `${folder}/${name}`;
      const known = page.labels.state(key);
      if (!page.images.entries.has(key) || page.labels.isUnsaved(key)) return;
      if (known?.version === version) return lookAgainSoon(key);
      page.lookAgainAt(key).catch(act.complain);
      fetchSoon();
    },
    project: fetchSoon,
    job: (job) => {
      takeJob(page, job);
      showNetwork(page, act);
      if (job.state !== "running") say(job.message);
      if (job.state === "done") $("network").open = false; // the body parts need the room
    },
    lost: () =>
      ask("GET", "/api/project").catch((error) => {
        page.lost = error.message;
        status();
      }),
  });
  addEventListener("online", () => page.saver.poke());
  addEventListener("beforeunload", (event) => {
    if (!page.saver.saved) event.preventDefault();
  });
}

window.labeling = {
  /** Screen place (CSS pixels in the window) of an image place: [x, y], which also has x and y by name. */
  screenOf(x, y) {
    const { left, top } = canvas.getBoundingClientRect();
    const [u, v] = page.view.toCanvas(x, y);
    return Object.assign([left + u, top + v], { x: left + u, y: top + v });
  },
  /** Show `factor` CSS pixels per image pixel, with the image place (x, y) in the middle. */
  zoomTo(factor, x, y) {
    page.view.zoomTo(factor, x, y);
    page.painter.paint();
    page.refresh();
  },
};

status();
bindControls();
page.fetchProject().then(bindEvents, (error) => {
  act.complain(error);
  page.lost = error.message;
  status();
});
canvas.focus();
