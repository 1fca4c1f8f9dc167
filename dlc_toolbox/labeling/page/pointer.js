/**
 * What mouse, pen and fingers mean on the canvas.
 *
 * A press that is released where nothing was grabbed places; a press on a marker that moves drags it, and farther where
 * another part is asked for: the hand may have slipped; space or the middle button, one finger beside all markers, and
 * two fingers move the image; the wheel and two fingers zoom.
 */

const REACH = { mouse: 9, pen: 12, touch: 22 }; // CSS pixels around a marker that grab it
const SLACK = { mouse: 3, pen: 5, touch: 9 }; // CSS pixels that a hand trembles

/**
 * @typedef {object} Hands what the page does with gestures; places are in image pixels
 * @property {(u: number, v: number, reach: number) => string|null} hit the part whose marker is near a canvas place
 * @property {(part: string) => boolean} isMeant whether who presses there hardly wants anything but this marker
 * @property {(part: string) => number[]} placeOf
 * @property {(at: number[], hit: string|null) => void} click
 * @property {(at: number[]|null, finger: boolean) => void} aim a place is shown but not yet meant; null: no more
 * @property {(part: string, at: number[], finger: boolean) => void} drag
 * @property {(part: string, at: number[]|null) => void} drop where a drag ended; null: given up
 * @property {(at: number[]|null) => void} hover
 * @property {() => void} moved the view changed
 * @property {() => boolean} moving whether a key asks for moving
 */

export class Pointer {
  #canvas;
  #view;
  #hands;
  #down = new Map(); // pointer id -> canvas place
  #gesture = null;
  #last = [0, 0]; // where the pointer was seen last

  /** @param {Hands} hands */
  constructor(canvas, view, hands) {
    this.#canvas = canvas;
    this.#view = view;
    this.#hands = hands;
    const on = (name, action, options) => canvas.addEventListener(name, action, options);
    on("pointerdown", (event) => this.#press(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#release(event));
    on("pointercancel", (event) => this.#cancel(event));
    on("pointerleave", () => hands.hover(null));
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
  }

  /** Canvas place of an event, with the fractions that the pointer has. */
  #place({ clientX, clientY }) {
    const { left, top } = this.#canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  }

  /** Browsers tell whole pixels with a wheel: the pointer's own fractions, where it is the same place. */
  #exact(at) {
    const same = Math.hypot(at[0] - this.#last[0], at[1] - this.#last[1]) < 2;
    return same ? this.#last : at;
  }

  #press(event) {
    const at = this.#place(event);
    this.#canvas.focus({ preventScroll: true });
    event.preventDefault();
    this.#down.set(event.pointerId, at);
    this.#canvas.setPointerCapture(event.pointerId);
    if (this.#down.size === 2) this.#pinch();
    else if (this.#down.size === 1) this.#begin(event, at);
  }

  #begin(event, at) {
    const kind = event.pointerType in REACH ? event.pointerType : "mouse";
    if (event.button === 1 || (event.button === 0 && this.#hands.moving())) {
      this.#gesture = { name: "pan", last: at };
      this.#canvas.classList.add("moving");
    } else if (event.button === 0) {
      const hit = this.#hands.hit(...at, REACH[kind]);
      this.#gesture = { name: "press", start: at, kind, hit };
      if (hit === null && kind !== "touch") this.#hands.aim(this.#view.toImage(...at), false);
    }
  }

  #pinch() {
    this.giveUp();
    this.#gesture = { name: "pinch", ...this.#fingers() };
  }

  #fingers() {
    const [one, other] = [...this.#down.values()];
    return {
      apart: Math.max(Math.hypot(one[0] - other[0], one[1] - other[1]), 1),
      middle: [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2],
    };
  }

  #move(event) {
    const at = this.#place(event);
    this.#last = at;
    this.#hands.hover(this.#view.toImage(...at));
    if (!this.#down.has(event.pointerId)) return;
    this.#down.set(event.pointerId, at);
    const gesture = this.#gesture;
    if (gesture?.name === "pinch") this.#movePinch(gesture);
    else if (gesture?.name === "pan") this.#movePan(gesture, at);
    else if (gesture?.name === "drag")
      this.#hands.drag(gesture.hit, this.#dragged(gesture, at), gesture.kind === "touch");
    else if (gesture?.name === "press") this.#movePress(gesture, at);
  }

  #movePress(gesture, at) {
    const { kind, hit, start } = gesture;
    const slack = hit === null || this.#hands.isMeant(hit) ? SLACK[kind] : REACH[kind];
    const still = Math.hypot(at[0] - start[0], at[1] - start[1]) <= slack;
    if (hit === null && kind !== "touch") this.#hands.aim(this.#view.toImage(...at), false);
    if (still) return;
    if (hit !== null) {
      const [u, v] = this.#view.toCanvas(...this.#hands.placeOf(hit));
      this.#gesture = { ...gesture, name: "drag", grip: [u - start[0], v - start[1]] };
      this.#hands.drag(hit, this.#dragged(this.#gesture, at), kind === "touch");
    } else if (kind === "touch") {
      this.#gesture = { name: "pan", last: at };
    }
  }

  /** Image place of a dragged marker, which keeps its distance to the pointer. */
  #dragged({ grip }, at) {
    return this.#view.toImage(at[0] + grip[0], at[1] + grip[1]);
  }

  #movePan(gesture, at) {
    this.#view.moveBy(at[0] - gesture.last[0], at[1] - gesture.last[1]);
    gesture.last = at;
    this.#hands.moved();
  }

  #movePinch(gesture) {
    const { apart, middle } = this.#fingers();
    this.#view.moveBy(middle[0] - gesture.middle[0], middle[1] - gesture.middle[1]);
    this.#view.zoomAt(apart / gesture.apart, ...middle);
    Object.assign(gesture, { apart, middle });
    this.#hands.moved();
  }

  #release(event) {
    if (!this.#down.delete(event.pointerId)) return;
    const [gesture, at] = [this.#gesture, this.#place(event)];
    this.#gesture = null;
    this.#canvas.classList.remove("moving");
    if (gesture?.name === "press") {
      this.#hands.aim(null, false);
      this.#hands.click(this.#view.toImage(...at), gesture.hit);
    } else if (gesture?.name === "drag") {
      this.#hands.drop(gesture.hit, this.#dragged(gesture, at));
    }
  }

  #cancel(event) {
    this.#down.delete(event.pointerId);
    this.giveUp();
  }

  /** End a gesture without effect, as when another picture comes under it. */
  giveUp() {
    if (!this.#gesture) return;
    if (this.#gesture?.name === "drag") this.#hands.drop(this.#gesture.hit, null);
    this.#hands.aim(null, false);
    this.#gesture = null;
    this.#canvas.classList.remove("moving");
  }

  #wheel(event) {
    event.preventDefault();
    if (Math.abs(event.deltaX) >= Math.abs(event.deltaY)) return; // sideways on a touchpad: no zoom
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 16;
    const speed = event.ctrlKey ? 0.01 : 0.0016; // with ctrlKey: two fingers on a touchpad
    const factor = Math.exp(-Math.max(-400, Math.min(400, event.deltaY * lines)) * speed);
    this.#view.zoomAt(factor, ...this.#exact(this.#place(event)));
    this.#hands.moved();
  }
}
