/** What is said over the page: short messages, the list of keys, questions. */

import { KEYS } from "./keys.js";
import { $, make } from "./panel.js";
import { ask } from "./server.js";

const STAY = 5000; // ms
const STAY_WITH_BUTTON = 12000;

/**
 * Say a sentence over the image for some seconds.
 * @param {string} text
 * @param {{text: string, act: () => void}} [button]
 * @param {boolean} [stay] until the person closes it
 */
export function say(text, button = null, stay = false) {
  for (const old of [...$("toasts").children]) if (old.dataset.text === text) old.remove();
  const toast = make("div", { class: "toast", "data-text": text }, make("span", {}, text));
  const close = () => toast.remove();
  const act = () => {
    close();
    button.act();
  };
  if (button) toast.append(make("button", { type: "button", click: act }, button.text));
  if (stay) toast.append(make("button", { type: "button", click: close }, "Close"));
  else setTimeout(close, button ? STAY_WITH_BUTTON : STAY);
  $("toasts").append(toast);
  while ($("toasts").children.length > 3) $("toasts").firstChild.remove();
}

/** Show all keys. */
export function showHelp() {
  if (!$("keys").children.length) {
    $("keys").append(...KEYS.map(([title, rows]) =>
      make("section", {}, make("h3", {}, title), make("dl", {}, ...rows.map(({ show, text }) =>
        make("div", {}, make("dt", {}, make("kbd", {}, show)), make("dd", {}, text)))))));
  }
  $("help").showModal();
}

/** Ask what the project wants to know, one question at a time. */
export class Questions {
  #page;
  #complain;
  #later = new Set();

  constructor(page, complain) {
    this.#page = page;
    this.#complain = complain;
    $("asked").addEventListener("click", () => {
      this.#later.clear();
      this.show();
    });
    $("question").addEventListener("close", () => {
      if ($("question").returnValue !== "answered") this.#later.add($("question").dataset.id);
      this.show();
    });
  }

  /** Show the first question that was not put off. */
  show() {
    const { questions } = this.#page.project;
    $("asked").hidden = !questions.length;
    $("asked").textContent = questions.length === 1 ? "1 question" : `${questions.length} questions`;
    const next = questions.find(({ id }) => !this.#later.has(id));
    if (!next || $("question").open) return;
    $("question").dataset.id = next.id;
    $("question").returnValue = "";
    $("question-text").textContent = next.text;
    $("choices").replaceChildren(...next.choices.map(({ answer, text }) =>
      make("button", { type: "button", click: () => this.#answer(next.id, answer) }, text)));
    $("question").showModal();
  }

  async #answer(id, answer) {
    try {
      await this.#page.saver.during(ask("POST", "/api/answer", { id, answer }));
      await this.#page.fetchProject();
      $("question").close("answered");
    } catch (error) {
      this.#complain(error);
      $("question").close("");
    }
  }
}
