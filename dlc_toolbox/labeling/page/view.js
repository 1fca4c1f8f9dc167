/**
 * Where the image lies on the canvas: one scale and one shift, used both ways by everything that draws or points.
 *
 * Image coordinates are those of the labels: (0, 0) is the centre of the top-left pixel, so that the image covers
 * -0.5 to width - 0.5. Canvas coordinates are CSS pixels from the canvas' top-left corner, fractions included.
 */

const SMALLEST = 0.02; // CSS pixels per image pixel
const LARGEST = 100;
const KEPT = 40; // CSS pixels of the image that moving leaves on the canvas
const MARGIN = 12; // CSS pixels around a fitted image

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class View {
  scale = 1;
  left = 0;
  top = 0;
  fitted = true; // until the person zooms or moves: a new size of canvas or image is fitted again
  #canvas = [1, 1];
  #image = [1, 1];

  /** Canvas place of an image place. */
  toCanvas(x, y) {
    return [this.left + (x + 0.5) * this.scale, this.top + (y + 0.5) * this.scale];
  }

  /** Image place of a canvas place: the inverse of `toCanvas`. */
  toImage(u, v) {
    return [(u - this.left) / this.scale - 0.5, (v - this.top) / this.scale - 0.5];
  }

  /** Whether an image place lies in the image, edges of the outer pixels included. */
  holds(x, y) {
    return x >= -0.5 && y >= -0.5 && x <= this.#image[0] - 0.5 && y <= this.#image[1] - 0.5;
  }

  /** Image place in the middle of the canvas. */
  get centre() {
    return this.toImage(this.#canvas[0] / 2, this.#canvas[1] / 2);
  }

  /** Tell the canvas' size in CSS pixels; what was in the middle stays there. */
  setCanvas(width, height) {
    const [x, y] = this.centre;
    this.#canvas = [width, height];
    if (this.fitted) this.fit();
    else this.#put(x, y, width / 2, height / 2);
  }

  /** Tell the image's size; scale and place stay unless the image is fitted, or would not be seen. */
  setImage(width, height) {
    this.#image = [width, height];
    const [right, bottom] = [this.left + width * this.scale, this.top + height * this.scale];
    const isSeen = right > 0 && bottom > 0 && this.left < this.#canvas[0] && this.top < this.#canvas[1];
    if (this.fitted || !isSeen) this.fit();
  }

  /** Show the whole image in the middle. */
  fit() {
    const [width, height] = this.#image;
    const room = this.#canvas.map((size) => Math.max(size - 2 * MARGIN, 1));
    this.scale = clamp(Math.min(room[0] / width, room[1] / height), SMALLEST, LARGEST);
    this.#put((width - 1) / 2, (height - 1) / 2, this.#canvas[0] / 2, this.#canvas[1] / 2);
    this.fitted = true;
  }

  /** Zoom by a factor; the image place under (u, v) stays under it. */
  zoomAt(factor, u, v) {
    const [x, y] = this.toImage(u, v);
    this.scale = clamp(this.scale * factor, SMALLEST, LARGEST);
    this.#put(x, y, u, v);
    this.fitted = false;
  }

  /** Show `scale` CSS pixels per image pixel, with the image place (x, y) in the middle of the canvas. */
  zoomTo(scale, x, y) {
    this.scale = clamp(scale, SMALLEST, LARGEST);
    this.#put(x, y, this.#canvas[0] / 2, this.#canvas[1] / 2);
    this.fitted = false;
  }

  /** Move the image by CSS pixels; a piece of it stays on the canvas. */
  moveBy(du, dv) {
    const [width, height] = this.#image.map((size) => size * this.scale);
    this.left = clamp(this.left + du, KEPT - width, this.#canvas[0] - KEPT);
    this.top = clamp(this.top + dv, KEPT - height, this.#canvas[1] - KEPT);
    this.fitted = false;
  }

  /** Move the image as little as brings an image place onto the canvas, if it is not there. */
  reveal(x, y) {
    const [u, v] = this.toCanvas(x, y);
    const [width, height] = this.#canvas;
    const du = clamp(u, KEPT, width - KEPT) - u;
    const dv = clamp(v, KEPT, height - KEPT) - v;
    if (du || dv) this.moveBy(du, dv);
  }

  #put(x, y, u, v) {
    this.left = u - (x + 0.5) * this.scale;
    this.top = v - (y + 0.5) * this.scale;
  }
}
