/** Decoded pictures: a few kept, the rest given back; and how they are lightened for the eye alone. */

import { picture } from "./server.js";

const LARGEST = 150e6; // pixels that are kept, 600 MB, besides what is shown

/** Keeps the pictures used last, and closes older ones so that the page's memory stays flat. */
export class Pictures {
  #kept = new Map(); // url -> promise of a bitmap, least recently used first
  #sizes = new Map(); // url -> pixels
  #shown = new Set();
  #room;

  /** @param {number} room number of pictures kept */
  constructor(room) {
    this.#room = room;
  }

  /**
   * The picture at an address, from memory where it is there.
   * @returns {Promise<ImageBitmap>}
   */
  get(url) {
    const found = this.#kept.get(url) ?? picture(url);
    this.#kept.delete(url);
    this.#kept.set(url, found);
    found.then(
      ({ width, height }) => {
        this.#sizes.set(url, width * height);
        this.#makeRoom(url);
      },
      () => this.#kept.delete(url),
    );
    this.#makeRoom(url);
    return found;
  }

  /** Close what was not used for longest, but neither what is shown nor what was just asked for. */
  #makeRoom(asked) {
    const isFull = () => {
      const pixels = [...this.#kept.keys()].reduce((sum, url) => sum + (this.#sizes.get(url) ?? 0), 0);
      return this.#kept.size > this.#room || pixels > LARGEST;
    };
    for (const [old, bitmap] of this.#kept) {
      if (!isFull()) break;
      if (this.#shown.has(old) || old === asked) continue;
      this.#kept.delete(old);
      this.#sizes.delete(old);
      bitmap.then(
        (it) => it.close(),
        () => {},
      );
    }
  }

  /** Name the pictures on the screen: they are not closed. */
  hold(urls) {
    this.#shown = new Set(urls);
  }
}

const PLAIN = { brightness: 0, contrast: 1, gamma: 1 };

/**
 * The value shown for each of the 256 values in the file.
 * @param {{brightness: number, contrast: number, gamma: number}} light brightness is added (-1 to 1), contrast
 *   stretches around the middle, gamma above 1 lightens dark parts
 * @returns {Uint8ClampedArray}
 */
export function curve({ brightness, contrast, gamma }) {
  const shown = (value) => ((value / 255) ** (1 / gamma) - 0.5) * contrast + 0.5 + brightness;
  return Uint8ClampedArray.from({ length: 256 }, (_, value) => 255 * shown(value));
}

/** A picture of other brightness, contrast and gamma; the last one made is kept. */
export class Light {
  settings = { ...PLAIN };
  #made = null; // {bitmap, settings, canvas}

  /** Show the pixels as they are again. */
  reset() {
    this.settings = { ...PLAIN };
  }

  /** Whether pixels are shown as they are. */
  get plain() {
    return Object.keys(PLAIN).every((name) => this.settings[name] === PLAIN[name]);
  }

  /** What to draw for a picture. */
  of(bitmap) {
    if (!bitmap || this.plain) return bitmap;
    const settings = JSON.stringify(this.settings);
    if (this.#made?.bitmap !== bitmap || this.#made.settings !== settings) {
      this.#made = { bitmap, settings, canvas: relit(bitmap, curve(this.settings)) };
    }
    return this.#made.canvas;
  }
}

function relit(bitmap, shown) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    data[at] = shown[data[at]];
    data[at + 1] = shown[data[at + 1]];
    data[at + 2] = shown[data[at + 2]];
  }
  context.putImageData(pixels, 0, 0);
  return canvas;
}
