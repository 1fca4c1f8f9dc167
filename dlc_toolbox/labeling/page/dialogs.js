/** What is said over the page: short messages, the list of keys, questions. */

import { KEYS } from "./keys.js";
import { $, make } from "./panel.js";
import { ask } from "./server.js";

const STAY = 6000; // ms
const STAY_WITH_BUTTON = 15000;

let leaving = null;

/**
 * Say a sentence in the line below the image for some seconds; the image itself is never covered.
 * @param {string} text
 * @param {{text: string, act: () => void}} [button]
 */
export function say(text, button = null) {
  const act = () => {
    hush();
    button.act();
  };
  clearTimeout(leaving);
  leaving = setTimeout(hush, button ? STAY_WITH_BUTTON : STAY);
  $("message").replaceChildren(
    make("span", { title: text }, text),
    ...(button ? [make("button", { type: "button", click: act }, button.text)] : []),
  );
}

/** Take away what was said. */
export const hush = () => $("message").replaceChildren();

const number = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
const told = new Set();

/** Offer what the project has to say; what is new is also said below the image. */
export function showNotices(notices) {
  const open = () => $("notices").showModal();
  $("noticed").hidden = !notices.length;
  $("noticed").textContent = number(notices.length, "notice");
  $("noticed").onclick = open;
  $("notices")
    .querySelector("ul")
    .replaceChildren(...notices.map((text) => make("li", {}, text)));
  const fresh = notices.filter((text) => !told.has(text));
  fresh.forEach((text) => told.add(text));
  if (fresh.length) say(fresh[0], { text: "Read", act: open });
}

/** Show all keys. */
export function showHelp() {
  if (!$("keys").children.length) {
    $("keys").append(
      ...KEYS.map(([title, rows]) =>
        make(
          "section",
          {},
          make("h3", {}, title),
          make(
            "dl",
            {},
            ...rows.map(({ show, text }) =>
              make("div", {}, make("dt", {}, make("kbd", {}, show)), make("dd", {}, text)),
            ),
          ),
        ),
      ),
    );
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
    $("asked").textContent = number(questions.length, "question");
    const next = questions.find(({ id }) => !this.#later.has(id));
    if (!next || $("question").open) return;
    $("question").dataset.id = next.id;
    $("question").returnValue = "";
    $("question-text").textContent = next.text;
    $("choices").replaceChildren(
      ...next.choices.map(({ answer, text }) =>
        make("button", { type: "button", click: () => this.#answer(next.id, answer) }, text),
      ),
    );
    $("question").showModal();
  }

  async #answer(id, answer) {
    try {
      await this.#page.saver.during(ask("POST", "/api/answer", { id, answer }));
      await this.#page.fetchProject();
      await this.#page.lookAgain();
      $("question").close("answered");
    } catch (error) {
      this.#complain(error);
      $("question").close("");
    }
  }
}
