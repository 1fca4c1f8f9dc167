/** Draws the image, its ghosts, markers, names, skeleton, other people's labels and the crosshair. */

import { drawMarker, halo, sureness } from "./markers.js";

const SQUARES_FROM = 4; // CSS pixels per image pixel: from here on pixels are shown as squares
const GHOST = 0.35; // opacity
const SIZE = 5.5; // of markers, in CSS pixels
const LINE = 7; // half the height of a text
const GAP = SIZE + 5; // between the middle of a marker and its text
const SIDES = [-SIZE, SIZE + 3, -SIZE - 2 * LINE, SIZE + 3 + 2 * LINE].flatMap((dv) => [
  [1, dv],
  [-1, dv],
]); // where a text may stand: right or left, and how much lower
const FAINTEST = 0.4; // opacity of a machine label of likelihood 0
const LOUPE = 60; // radius in CSS pixels, of what a finger covers
const LOUPE_ZOOM = 3;

const around = (u, v) => ({ left: u - SIZE, right: u + SIZE, top: v - SIZE, bottom: v + SIZE });

/**
 * What the canvas shows.
 * @typedef {object} Scene
 * @property {CanvasImageSource|null} picture
 * @property {CanvasImageSource[]} ghosts
 * @property {Array<{part: object, at: number[], machine?: number|null, current: boolean, held: boolean}>} marks
 * @property {number[][][]} bones pairs of places
 * @property {Array<{part: object, at: number[], from: number[]|null, text: string}>} others
 * @property {boolean} names
 * @property {number[]|null} cross
 * @property {number[]|null} loupe
 * @property {number} faint opacity of everything drawn over the picture
 */

export class Painter {
  #canvas;
  #context;
  #view;
  #backdrop = new OffscreenCanvas(1, 1);
  #drawn = ""; // what the backdrop shows
  #numbers = new WeakMap();
  #count = 0;
  #asked = 0;
  #size = [1, 1];
  #taken = []; // boxes of markers and texts, which no further text is to cover

  /** @param {() => Scene} scene asked for at each repaint */
  constructor(canvas, view, scene) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#view = view;
    this.scene = scene;
    const observer = new ResizeObserver((entries) => this.#resize(entries.at(-1)));
    try {
      observer.observe(canvas, { box: "device-pixel-content-box" });
    } catch {
      observer.observe(canvas); // Safari does not tell device pixels
    }
  }

  /** Repaint with the next frame of the screen. */
  ask() {
    this.#asked ||= requestAnimationFrame(() => {
      this.#asked = 0;
      this.paint();
    });
  }

  #resize({ devicePixelContentBoxSize: pixels, contentRect }) {
    const { width, height } = contentRect;
    this.#size = [width, height];
    this.#canvas.width = pixels?.[0].inlineSize ?? Math.round(width * devicePixelRatio);
    this.#canvas.height = pixels?.[0].blockSize ?? Math.round(height * devicePixelRatio);
    this.#view.setCanvas(width, height);
    this.paint();
  }

  /** Paint the scene now. */
  paint() {
    const scene = this.scene();
    const context = this.#context;
    const ratio = [this.#canvas.width / this.#size[0], this.#canvas.height / this.#size[1]];
    this.#paintBackdrop(scene, ratio);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (this.#backdrop.width && this.#backdrop.height) context.drawImage(this.#backdrop, 0, 0);
    context.setTransform(ratio[0], 0, 0, ratio[1], 0, 0);
    this.#taken = [...scene.marks, ...scene.others].map(({ at }) => around(...this.#view.toCanvas(...at)));
    context.globalAlpha = scene.faint;
    scene.bones.forEach((bone) => this.#bone(bone));
    scene.others.forEach((other) => this.#other(other));
    scene.marks.forEach((mark) => this.#mark(mark, scene));
    context.globalAlpha = 1;
    if (scene.cross) this.#cross(this.#view.toCanvas(...scene.cross));
    if (scene.loupe) this.#loupe(scene);
  }

  /** The picture is drawn anew only when it or its place changes; a dragged marker does not cost that. */
  #paintBackdrop({ picture, ghosts, light }, ratio) {
    const { width, height } = this.#canvas;
    const { scale, left, top } = this.#view;
    const layers = picture ? [picture, ...ghosts] : [];
    const wanted = JSON.stringify([width, height, scale, left, top, light, layers.map((layer) => this.#number(layer))]);
    if (wanted === this.#drawn) return;
    this.#drawn = wanted;
    this.#backdrop.width = width;
    this.#backdrop.height = height;
    const context = this.#backdrop.getContext("2d");
    context.setTransform(ratio[0] * scale, 0, 0, ratio[1] * scale, ratio[0] * left, ratio[1] * top);
    context.imageSmoothingEnabled = scale <= SQUARES_FROM;
    context.imageSmoothingQuality = "medium";
    layers.forEach((layer, at) => {
      context.globalAlpha = at ? GHOST : 1;
      context.drawImage(layer, 0, 0);
    });
  }

  /** A number for each picture, so that equal ones are known. */
  #number(layer) {
    if (!this.#numbers.has(layer)) this.#numbers.set(layer, (this.#count += 1));
    return this.#numbers.get(layer);
  }

  #mark({ part, at, machine, current, held }, { names, faint }) {
    const context = this.#context;
    const [u, v] = this.#view.toCanvas(...at);
    const sure = current ? 1 : (machine ?? 1); // what is not likely looks so, unless it is asked for
    context.globalAlpha = faint * (FAINTEST + (1 - FAINTEST) * sure);
    if (current) this.#ring(u, v);
    drawMarker(context, part, u, v, SIZE, machine !== undefined || held ? "hollow" : "full");
    const text = machine === undefined ? (names ? part.name : "") : this.#machineText(part, machine, names);
    if (text) this.#text(text, u, v, part.color);
  }

  #machineText(part, likelihood, names) {
    return `${names ? `${part.name} ` : ""}${sureness(likelihood)}`;
  }

  /** Marks the current part, with four hairs that leave the place itself free. */
  #ring(u, v) {
    const context = this.#context;
    for (const [color, width] of [
      ["rgb(0 0 0 / 0.65)", 3.5],
      ["#fff", 1.5],
    ]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.beginPath();
      context.arc(u, v, SIZE + 5, 0, 2 * Math.PI);
      for (const [du, dv] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ]) {
        context.moveTo(u + du * (SIZE + 5), v + dv * (SIZE + 5));
        context.lineTo(u + du * (SIZE + 11), v + dv * (SIZE + 11));
      }
      context.stroke();
    }
  }

  #bone([one, other]) {
    this.#line(this.#view.toCanvas(...one), this.#view.toCanvas(...other), "rgb(255 255 255 / 0.85)");
  }

  #line(from, to, color) {
    const context = this.#context;
    for (const [ink, width] of [
      ["rgb(0 0 0 / 0.5)", 3.5],
      [color, 1.5],
    ]) {
      context.strokeStyle = ink;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(...from);
      context.lineTo(...to);
      context.stroke();
    }
  }

  #other({ part, at, from, text }) {
    const [u, v] = this.#view.toCanvas(...at);
    if (from) this.#line(this.#view.toCanvas(...from), [u, v], part.color);
    drawMarker(this.#context, { ...part, marker: "plus" }, u, v, SIZE, "hollow");
    this.#text(text, u, v, part.color);
  }

  /** Write beside a marker, on the first side where nothing is covered and nothing cut off, if there is one. */
  #text(text, u, v, color) {
    const context = this.#context;
    context.font = "600 12px system-ui, sans-serif";
    const width = context.measureText(text).width;
    const boxes = SIDES.map(([side, dv]) => {
      const left = u + (side > 0 ? GAP : -GAP - width);
      return { left, right: left + width, top: v + dv - LINE, bottom: v + dv + LINE };
    });
    const box = boxes.find((one) => this.#isFree(one)) ?? boxes[0];
    this.#taken.push(box);
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.strokeStyle = halo(color, 0.8);
    context.lineWidth = 3.5;
    context.strokeText(text, box.left, box.top + LINE);
    context.fillStyle = color;
    context.fillText(text, box.left, box.top + LINE);
  }

  #isFree({ left, right, top, bottom }) {
    if (left < 0 || top < 0 || right > this.#size[0] || bottom > this.#size[1]) return false;
    const meets = (other) => left < other.right && other.left < right && top < other.bottom && other.top < bottom;
    return !this.#taken.some(meets);
  }

  #cross([u, v]) {
    const far = 18;
    for (const [du, dv] of [
      [1, 0],
      [0, 1],
    ]) {
      this.#line([u - du * far, v - dv * far], [u - du * 3, v - dv * 3], "#fff");
      this.#line([u + du * 3, v + dv * 3], [u + du * far, v + dv * far], "#fff");
    }
  }

  /** What lies under a finger, enlarged above it. */
  #loupe({ picture, loupe }) {
    const context = this.#context;
    const [u, v] = this.#view.toCanvas(...loupe);
    const middle = [u, v - LOUPE * 1.8 < 0 ? v + LOUPE * 1.8 : v - LOUPE * 1.8];
    const scale = this.#view.scale * LOUPE_ZOOM;
    context.save();
    context.beginPath();
    context.arc(...middle, LOUPE, 0, 2 * Math.PI);
    context.fillStyle = "#222";
    context.fill();
    context.clip();
    context.imageSmoothingEnabled = scale <= SQUARES_FROM;
    const [left, top] = [middle[0] - (loupe[0] + 0.5) * scale, middle[1] - (loupe[1] + 0.5) * scale];
    context.drawImage(picture, left, top, picture.width * scale, picture.height * scale);
    this.#cross(middle);
    context.restore();
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...middle, LOUPE, 0, 2 * Math.PI);
    context.stroke();
  }
}
