/** All keys: one table, from which keys act and the help is written. */

/**
 * What each key does: `keys` as `nameOf` names them, `show` for people, `does` the name of the page's action.
 * The left hand reaches nearly all of them; the right one stays at the mouse.
 */
export const KEYS = [
  [
    "Label",
    [
      { show: "Click", text: "place the current body part" },
      { show: "Drag", text: "move a marker" },
      { keys: ["q"], show: "Q", does: "hide", text: "not visible in this image" },
      { keys: ["x", "delete", "backspace"], show: "X", does: "clear", text: "delete the label" },
      { keys: ["c"], show: "C", does: "copyAll", text: "copy the previous image's labels to the open parts" },
      { keys: ["shift+c"], show: "⇧ C", does: "copyOne", text: "copy the current part's label alone" },
      { keys: ["r"], show: "R", does: "swapOne", text: "swap left and right of the current part" },
      { keys: ["shift+r"], show: "⇧ R", does: "swapAll", text: "swap left and right of all parts" },
      { keys: ["z", "ctrl+z"], show: "Z", does: "undo", text: "undo, over images too" },
      { keys: ["shift+z", "ctrl+shift+z", "ctrl+y"], show: "⇧ Z", does: "redo", text: "redo" },
      { keys: ["shift+x"], show: "⇧ X", does: "leaveOut", text: "leave this image out, or take it back" },
    ],
  ],
  [
    "Move a label exactly",
    [
      { keys: ["arrowleft", "arrowright", "arrowup", "arrowdown"], show: "Arrows", does: "nudge", text: "1 px" },
      {
        keys: ["shift+arrowleft", "shift+arrowright", "shift+arrowup", "shift+arrowdown"],
        show: "⇧ Arrows",
        does: "nudge",
        text: "10 px",
      },
      {
        keys: [
          "alt+arrowleft",
          "alt+arrowright",
          "alt+arrowup",
          "alt+arrowdown",
          "ctrl+arrowleft",
          "ctrl+arrowright",
          "ctrl+arrowup",
          "ctrl+arrowdown",
        ],
        show: "Alt Arrows",
        does: "nudge",
        text: "0.1 px",
      },
      {
        keys: ["shift+w", "shift+a", "shift+s", "shift+d"],
        show: "⇧ W A S D",
        does: "nudge",
        text: "the same with the left hand, by the step chosen",
      },
      { keys: ["shift+e"], show: "⇧ E", does: "step", text: "choose the step: 0.1, 1, 10 px" },
      { keys: ["enter"], show: "Enter", does: "enter", text: "place at the crosshair (arrows move it), or accept" },
    ],
  ],
  [
    "Machine labels (hollow)",
    [
      { keys: ["v"], show: "V", does: "acceptOne", text: "accept the current part's" },
      { keys: ["shift+v"], show: "⇧ V", does: "acceptAll", text: "accept all of this image" },
      { keys: ["shift+f"], show: "⇧ F", does: "acceptFolder", text: "accept all of the folder above the likelihood" },
    ],
  ],
  [
    "Go",
    [
      { keys: ["w"], show: "W", does: "previousPart", text: "previous body part" },
      { keys: ["s"], show: "S", does: "nextPart", text: "next body part" },
      { keys: ["digit"], show: "1 – 9", does: "number", text: "body part by its number" },
      { keys: ["shift+digit"], show: "⇧ 1 – 9", does: "number", text: "body parts 10 to 18" },
      { keys: ["f"], show: "F", does: "find", text: "find a body part by its name" },
      { keys: ["a"], show: "A", does: "previousImage", text: "previous image" },
      { keys: ["d"], show: "D", does: "nextImage", text: "next image" },
      { keys: ["e", "n"], show: "E", does: "nextOpen", text: "next unlabeled image" },
      { keys: ["o"], show: "O", does: "order", text: "most useful images first, or the files' order" },
    ],
  ],
  [
    "See",
    [
      { show: "Wheel", text: "zoom at the pointer; the zoom stays from image to image" },
      { show: "Space drag", text: "move the image; the middle button does too" },
      { keys: ["0"], show: "0", does: "fit", text: "show the whole image" },
      { keys: ["+", "="], show: "+", does: "zoomIn", text: "zoom in" },
      { keys: ["-"], show: "−", does: "zoomOut", text: "zoom out" },
      { keys: ["t"], show: "T", does: "names", text: "names at the markers" },
      { keys: ["b"], show: "B", does: "skeleton", text: "skeleton" },
      { keys: ["p"], show: "P", does: "others", text: "other people's labels, with the distance" },
      { keys: ["g"], show: "G", does: "ghosts", text: "neighbouring video frames as ghosts" },
      { keys: ["["], show: "[", does: "earlier", text: "video frame before" },
      { keys: ["]"], show: "]", does: "later", text: "video frame after" },
      { keys: ["escape"], show: "Esc", does: "escape", text: "back to the image" },
    ],
  ],
  [
    "Video",
    [
      { keys: ["m"], show: "M", does: "video", text: "look through the video" },
      { keys: [",", "."], show: ", .", does: "frame", text: "one frame back, one on" },
      { keys: ["<", ">"], show: "< >", does: "frame", text: "25 frames back, 25 on" },
      { keys: ["k"], show: "K", does: "pick", text: "take this frame into the images to label" },
    ],
  ],
  ["Help", [{ keys: ["?"], show: "?", does: "help", text: "show these keys" }]],
];

const ACTIONS = new Map(
  KEYS.flatMap(([, rows]) => rows).flatMap(({ keys = [], does }) => keys.map((key) => [key, does])),
);

/**
 * The name of a key press: its letter as the keyboard has it, digits and letters of other scripts by their place.
 * @param {KeyboardEvent} event
 * @returns {string} as in "shift+c", "digit", "arrowleft", "?"
 */
export function nameOf(event) {
  if (event.getModifierState("AltGraph")) return event.key;
  const free = !event.ctrlKey && !event.altKey && !event.metaKey;
  const digit = /^Digit([0-9])$/.exec(event.code)?.[1] ?? /^[0-9]$/.exec(event.key)?.[0];
  if (digit && free) return (event.shiftKey ? "shift+" : "") + (digit === "0" ? "0" : "digit");
  if (free && event.key.length === 1 && !/[\p{L}\p{N}]/u.test(event.key)) return event.key;
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  const key = letter && !/^[a-z]$/i.test(event.key) ? letter : event.key;
  const held = [
    [event.ctrlKey || event.metaKey, "ctrl+"],
    [event.altKey, "alt+"],
    [event.shiftKey, "shift+"],
  ];
  return held.map(([is, name]) => (is ? name : "")).join("") + key.toLowerCase();
}

/** Number on a digit key, whatever the keyboard writes with it. */
export const digitOf = (event) => Number(event.code.at(-1));

/** Actions that go on while their key is held down. */
const HELD = new Set([
  "nudge",
  "previousPart",
  "nextPart",
  "previousImage",
  "nextImage",
  "undo",
  "redo",
  "zoomIn",
  "zoomOut",
  "frame",
]);

/** Whether a thing on the page needs a key for itself. */
function takes(target, name) {
  if (target.matches("input:not([type=range], [type=checkbox]), select, textarea")) return true;
  if (target.matches("input[type=range]")) return /arrow|home|end|page/.test(name);
  if (target.matches("input[type=checkbox]")) return name === " ";
  return target.matches("button, summary, a") && ["enter", " "].includes(name);
}

/**
 * Let keys act.
 * @param {Object<string, (event: KeyboardEvent, name: string) => void>} actions by the names in KEYS
 * @returns {{space: () => boolean}} whether the space bar is held down for moving the image
 */
export function bindKeys(actions) {
  let space = false;
  addEventListener("keydown", (event) => {
    const name = nameOf(event);
    if (event.isComposing || document.querySelector("dialog[open]") || takes(event.target, name)) return;
    if (name === " ") space = true;
    else if (!ACTIONS.has(name)) return;
    else if (!event.repeat || HELD.has(ACTIONS.get(name))) actions[ACTIONS.get(name)](event, name);
    event.preventDefault();
  });
  addEventListener("keyup", ({ key }) => {
    if (key === " ") space = false;
  });
  addEventListener("blur", () => (space = false));
  return { space: () => space };
}
