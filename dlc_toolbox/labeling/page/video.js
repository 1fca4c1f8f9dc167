/** The strip below the image: scrub through a video, step by frame, and take a frame into the images to label. */

import { $, make } from "./panel.js";
import { Refusal, address, ask } from "./server.js";

const LEAP = 25; // frames

export class VideoStrip {
  #page;
  #say;
  #frame = 0;
  #over = null; // the image that the person scrubs over: when another one is shown, no frame covers it
  #open = false;
  #fetching = false;

  /** @param {import("./page.js").Page} page @param {(text: string, button?: object) => void} say */
  constructor(page, say) {
    this.#page = page;
    this.#say = say;
    const go = (frame) => {
      $("view").focus({ preventScroll: true }); // the keys are the image's again
      this.#show(frame);
    };
    $("video-name").addEventListener("change", () => go(0));
    $("scrub").addEventListener("input", () => this.#show($("scrub").valueAsNumber));
    $("frame").addEventListener("change", () => go($("frame").valueAsNumber || 0));
    $("back").addEventListener("click", () => this.step(-1));
    $("on").addEventListener("click", () => this.step(1));
  }

  get open() {
    return this.#open;
  }

  get #video() {
    return this.#page.project.videos.find(({ name }) => name === $("video-name").value);
  }

  /** Open the strip at the video of the image at hand, or close it. */
  toggle() {
    const { videos } = this.#page.project;
    if (!videos.length)
      return this.#say("No video of this project is at hand: videos are looked for in the vidpath of myconfig.py.");
    this.#open = !this.#open;
    $("video").hidden = !this.#open;
    if (!this.#open) return this.#page.showFilm(null);
    const names = videos.map(({ name }) => name);
    const here = this.#page.key && this.#page.folder.video;
    const chosen = names.includes(here) ? here : $("video-name").value || names[0];
    $("video-name").replaceChildren(...names.map((name) => make("option", { value: name }, name)));
    $("video-name").value = chosen;
    return this.#show(this.#frame);
  }

  /** Tell what became known of the video meanwhile, such as the number of its frames. */
  refresh() {
    if (!this.#open || !this.#video) return;
    if (this.#page.film) this.#show(this.#frame);
    else this.#tell(this.#frame);
  }

  /** Go some frames on or back. */
  step(frames) {
    if (this.#open) this.#show(this.#frame + frames);
  }

  /** What the keys , . < > mean. */
  key(name) {
    this.step({ ",": -1, ".": 1, "<": -LEAP, ">": LEAP }[name]);
  }

  #show(frame) {
    this.#over = this.#page.key;
    this.#tell(frame);
    if (!this.#fetching) this.#fetch();
  }

  #tell(frame) {
    const { frames, fps } = this.#video;
    const last = frames === null ? Infinity : frames - 1;
    this.#frame = Math.max(0, Math.min(last, Math.round(frame)));
    $("scrub").hidden = frames === null;
    $("scrub").max = frames === null ? 0 : last;
    $("scrub").value = this.#frame;
    if (document.activeElement !== $("frame")) $("frame").value = this.#frame; // else it is being typed
    const facts = [frames !== null && `of ${last}`, fps && `${(this.#frame / fps).toFixed(2)} s`];
    $("time").textContent = facts.filter(Boolean).join(" · ");
  }

  /** Fetch the frame wanted now, and again while the hand has moved on meanwhile. */
  async #fetch() {
    this.#fetching = true;
    this.#page.tell.waiting(true); // the picture is not yet that of the number
    try {
      for (let shown = null; this.#isWanted && shown !== this.#address;) {
        shown = this.#address;
        this.#page.frames.hold([shown]);
        const bitmap = await this.#page.frames.get(shown);
        if (this.#isWanted) this.#page.showFilm(bitmap);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#say(error.message);
    } finally {
      this.#fetching = false;
      this.#page.tell.waiting(false);
    }
  }

  get #isWanted() {
    return this.#open && this.#over === this.#page.key;
  }

  get #address() {
    return address("video", $("video-name").value, String(this.#frame));
  }

  /** Name of the video, and its frame. */
  get title() {
    return [`${$("video-name").value},\u00a0`, `frame ${this.#frame}`];
  }

  /** The sentence below the picture while a video is looked through. */
  get banner() {
    return `${$("video-name").value}, frame ${this.#frame}. To label it, press K.`;
  }

  /** Take the frame shown into the images to label. */
  async pick() {
    if (!this.#open) return this.#say("Open the video first (M).");
    if (!this.#page.film) return this.#say("The image is shown, not the video: go to the frame first.");
    const { folder, name } = await this.#page.saver.during(ask("POST", this.#address, {}));
    await this.#page.fetchProject();
    const label = () => {
      if (this.#open) this.toggle();
      this.#page.show(`${folder}/${name}`);
    };
    return this.#say(`Taken: ${folder}/${name}.`, { text: "Label it now", act: label });
  }
}
