/** The marks of body parts, on the canvas and as pictures in lists: the same outlines. */

const STAR = Array.from({ length: 10 }, (_, at) => {
  const [angle, radius] = [(at * Math.PI) / 5 - Math.PI / 2, at % 2 ? 0.55 : 1.3];
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
});

/** Outlines in units of the marker's size, around (0, 0); `null` is a circle. */
const OUTLINES = {
  circle: null,
  square: [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  triangle: [
    [0, -1.2],
    [1.1, 0.8],
    [-1.1, 0.8],
  ],
  diamond: [
    [0, -1.25],
    [1.25, 0],
    [0, 1.25],
    [-1.25, 0],
  ],
  star: STAR,
};

/** Marks that are lines only. */
const STROKES = {
  cross: [
    [
      [-0.9, -0.9],
      [0.9, 0.9],
    ],
    [
      [-0.9, 0.9],
      [0.9, -0.9],
    ],
  ],
  plus: [
    [
      [-1.1, 0],
      [1.1, 0],
    ],
    [
      [0, -1.1],
      [0, 1.1],
    ],
  ],
};

const point = ([x, y]) => `${x.toFixed(3)} ${y.toFixed(3)}`;

/** SVG path of a marker of a given size around (0, 0). */
export function outline(marker, size) {
  const scaled = (points) => points.map((at) => at.map((value) => value * size));
  if (STROKES[marker]) return STROKES[marker].map((line) => `M${scaled(line).map(point).join("L")}`).join("");
  const points = OUTLINES[marker];
  if (points) return `M${scaled(points).map(point).join("L")}Z`;
  return `M${-size} 0A${size} ${size} 0 1 0 ${size} 0A${size} ${size} 0 1 0 ${-size} 0Z`;
}

/** What surrounds a colour so that it is seen on any image: black, or white around a dark one. */
export function halo(color, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const ink = 0.299 * red + 0.587 * green + 0.114 * blue < 90 ? 255 : 0;
  return `rgb(${ink} ${ink} ${ink} / ${opacity})`;
}

/**
 * Draw a body part's mark.
 * @param {"full"|"hollow"} style full: a person's label; hollow: a machine's
 */
export function drawMarker(context, { color, marker }, u, v, size, style) {
  const path = new Path2D(outline(marker, size));
  context.save();
  context.translate(u, v);
  context.lineJoin = "round";
  context.lineCap = "round";
  const lines = Boolean(STROKES[marker]);
  context.strokeStyle = halo(color, 0.75);
  context.lineWidth = lines ? 5 : style === "full" ? 3 : 4.5;
  context.stroke(path);
  if (style === "full" && !lines) {
    context.fillStyle = color;
    context.fill(path);
  } else {
    context.strokeStyle = color;
    context.lineWidth = style === "full" ? 3 : 2;
    if (style === "hollow" && lines) context.setLineDash([3, 3]);
    context.stroke(path);
    context.setLineDash([]);
  }
  context.fillStyle = style === "full" ? halo(color, 1) : color; // the place itself
  context.fillRect(-0.75, -0.75, 1.5, 1.5);
  context.restore();
}

/** How a machine label's likelihood is written; nothing where it is not known. */
export const sureness = (likelihood) => (likelihood === null ? "" : likelihood.toFixed(2));

/** A small picture of a body part's mark for lists. */
export function markerIcon({ color, marker }) {
  const NS = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(NS, "svg");
  icon.setAttribute("viewBox", "-8 -8 16 16");
  icon.setAttribute("class", "marker");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", outline(marker, 5));
  path.setAttribute("stroke", color);
  path.setAttribute("fill", STROKES[marker] ? "none" : color);
  icon.append(path);
  return icon;
}
