/* Pictures of a page, enlarged: click or Enter opens one; wheel, drag and keys look around in it. */
"use strict";
(() => {
  const [STEP, MOST, PIXELATED, PAN_PX] = [1.25, 40, 3, 60];
  const small = [...document.querySelectorAll(".pictures img, .plots img")];
  const dialog = document.createElement("dialog");
  const picture = new Image();
  const caption = document.createElement("p");
  dialog.className = "zoom";
  picture.draggable = false;
  dialog.append(picture, caption);
  let [shown, scale, x, y] = [0, 1, 0, 0];
  let held = null; // where the pointer went down, and what it moves
  let moved = false;

  const fit = () => Math.min(dialog.clientWidth / picture.naturalWidth, dialog.clientHeight / picture.naturalHeight);

  function draw() {
    picture.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    picture.style.imageRendering = scale >= PIXELATED ? "pixelated" : "auto";
  }

  function showAll() {
    scale = fit();
    x = (dialog.clientWidth - scale * picture.naturalWidth) / 2;
    y = (dialog.clientHeight - scale * picture.naturalHeight) / 2;
    draw();
  }

  /** Zoom so that what is at (u, v) of the window stays there. */
  function zoom(factor, u = dialog.clientWidth / 2, v = dialog.clientHeight / 2) {
    const to = Math.min(Math.max(scale * factor, Math.min(fit(), 1)), MOST);
    [x, y] = [u - ((u - x) * to) / scale, v - ((v - y) * to) / scale];
    scale = to;
    draw();
  }

  function pan(right, down) {
    [x, y] = [x + right, y + down];
    draw();
  }

  function show(number) {
    shown = (number + small.length) % small.length;
    const image = small[shown];
    const [link, words] = [image.closest("a"), image.closest("figure")?.querySelector("figcaption")];
    picture.onload = showAll;
    picture.onerror = () => {
      picture.onerror = null; // the page was sent without the file: what it holds itself is there
      picture.src = image.src;
    };
    picture.alt = image.alt;
    picture.src = link ? link.href : image.src;
    const text = words?.firstChild?.textContent.trim() || image.alt;
    caption.textContent = `${text} · wheel or + − 0: zoom, drag or arrows: move, A D: other pictures, Esc: back`;
    if (!dialog.isConnected) document.body.append(dialog);
    if (!dialog.open) dialog.showModal();
  }

  const keys = {
    "+": () => zoom(STEP),
    "=": () => zoom(STEP),
    "-": () => zoom(1 / STEP),
    0: showAll,
    ArrowLeft: () => pan(PAN_PX, 0),
    ArrowRight: () => pan(-PAN_PX, 0),
    ArrowUp: () => pan(0, PAN_PX),
    ArrowDown: () => pan(0, -PAN_PX),
    a: () => show(shown - 1),
    d: () => show(shown + 1),
  };

  dialog.addEventListener("keydown", (event) => {
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  dialog.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      zoom(STEP ** (-event.deltaY / 100), event.clientX, event.clientY);
    },
    { passive: false },
  );
  dialog.addEventListener("pointerdown", (event) => {
    held = [event.clientX - x, event.clientY - y];
    moved = false;
    dialog.setPointerCapture(event.pointerId);
  });
  dialog.addEventListener("pointermove", (event) => {
    if (!held) return;
    moved ||= Math.hypot(event.clientX - x - held[0], event.clientY - y - held[1]) > 3;
    if (moved) pan(event.clientX - x - held[0], event.clientY - y - held[1]);
  });
  dialog.addEventListener("pointerup", (event) => {
    held = null;
    const box = picture.getBoundingClientRect();
    const outside =
      event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
    if (!moved && outside) dialog.close();
  });
  dialog.addEventListener("pointercancel", () => (held = null));
  dialog.addEventListener("dblclick", showAll);
  addEventListener("resize", () => dialog.open && showAll());

  small.forEach((image, number) => {
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // as for any link
      event.preventDefault();
      show(number);
    };
    const button = image.closest("a") ?? Object.assign(image, { tabIndex: 0, role: "button" });
    button.addEventListener("click", open);
    if (button === image) image.addEventListener("keydown", (event) => event.key === "Enter" && open(event));
  });
})();
