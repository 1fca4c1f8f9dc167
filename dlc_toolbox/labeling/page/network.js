/** Help from a network: suggesting labels and training a helper, with progress and cancel. */

import { say } from "./dialogs.js";
import { $, make, write } from "./panel.js";
import { ask } from "./server.js";

const NAMES = { suggest: "Suggesting labels", helper: "Training the helper" };

/** Show what runs, what can be started, and why the rest cannot. */
export function showNetwork(page, act) {
  const { help, writable } = page.project;
  const running = help.jobs.find(({ state }) => state === "running");
  start("suggest", help.can_suggest, help.why_not_suggest, running, writable);
  start("train", help.can_train, help.why_not_train, running, writable);
  const whys = [
    !help.can_suggest && ["Suggest", help.why_not_suggest],
    !help.can_train && ["Helper", help.why_not_train],
  ];
  const trained =
    help.helper && `The helper has learned ${help.helper.iteration} iterations from ${help.helper.images} images.`;
  const sentence = ([what, reason]) => `${what}: ${reason.replace(/\.$/, "")}.`;
  const why = running ? [] : whys.filter((pair) => pair && pair[1]).map(sentence);
  write($("network-why"), [trained, ...why].filter(Boolean).join(" "));
  write($("job-short"), running ? percent(running) : "");
  showJobs(help.jobs, act);
  offer(help);
}

let offered = false;

/** Say once that a helper can be trained now. */
function offer({ can_train: can, helper, jobs }) {
  if (offered || !can || helper || jobs.length) return;
  offered = true;
  const show = () => {
    $("network").open = true;
    $("train").scrollIntoView();
  };
  say("Enough images are labeled to train a helper, which suggests the rest.", { text: "Show", act: show });
}

function start(id, can, why, running, writable) {
  const button = $(id);
  button.disabled = !can || Boolean(running) || !writable;
  button.title = running ? "One thing at a time: wait, or cancel what runs." : (why ?? "");
}

const percent = ({ progress }) => (progress === null ? "…" : `${Math.round(100 * progress)} %`);

/** Jobs keep their elements while they run, so that an opened log stays open. */
function showJobs(jobs, act) {
  const last = jobs.slice(-2);
  for (const box of [...$("jobs").children]) if (!last.some(({ id }) => id === box.dataset.job)) box.remove();
  for (const job of last) {
    const box = $("jobs").querySelector(`[data-job="${CSS.escape(job.id)}"]`) ?? newJob(job, act);
    box.dataset.state = job.state;
    write(box.querySelector("strong"), NAMES[job.kind]);
    write(box.querySelector(".message"), job.message);
    write(box.querySelector("pre"), job.log.join("\n"));
    box.querySelector("details").hidden = !job.log.length;
    box.querySelector("button").hidden = job.state !== "running";
    const bar = box.querySelector("progress");
    bar.hidden = job.state !== "running";
    if (job.progress === null) bar.removeAttribute("value");
    else bar.value = job.progress;
  }
}

function newJob({ id, kind }, act) {
  const box = make(
    "div",
    { class: "job", "data-job": id },
    make("strong", {}),
    make("button", { type: "button", click: () => act.cancel(id) }, "Cancel"),
    make("progress", { max: "1", "aria-label": NAMES[kind] }),
    make("p", { class: "message" }),
    make("details", {}, make("summary", {}, "What it says"), make("pre", { tabindex: "0" })),
  );
  $("jobs").append(box);
  return box;
}

/** Take over what the server tells of a job. */
export function takeJob(page, job) {
  const { jobs } = page.project.help;
  const at = jobs.findIndex(({ id }) => id === job.id);
  if (at < 0) jobs.push(job);
  else jobs[at] = job;
}

/** The actions that start and cancel jobs. */
export function networkActions(page, complain, shown) {
  const request = (url, body) =>
    ask("POST", url, body)
      .then((job) => {
        // what the events told of a job may be newer than the answer
        if (!page.project.help.jobs.some(({ id }) => id === job.id)) takeJob(page, job);
        shown();
      })
      .catch(complain);
  return {
    suggest: () => request("/api/suggest", {}),
    train: () => request("/api/helper", {}),
    cancel: (id) => request("/api/cancel", { id }),
  };
}
