// Numbers on hover and by keyboard for every plot, and addresses without the filters that are not set.
// Without this script the browser shows each mark's <title> by itself, and the numbers stand beside the plots.

import { announce } from "./copy.js";

const tip = document.createElement("div");
tip.className = "plot-tip";
tip.id = "plot-tip";
tip.hidden = true;
document.body.append(tip);

const words = new WeakMap();
let current = null;

/** Show what a mark says, beside it and inside the window. */
function show(mark) {
  hide();
  current = mark;
  mark.classList.add("pointed");
  tip.textContent = words.get(mark);
  tip.hidden = false;
  const place = mark.getBoundingClientRect();
  const space = document.documentElement.clientWidth;
  const left = place.left + place.width / 2 - tip.offsetWidth / 2;
  const above = place.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(4, Math.min(left, space - tip.offsetWidth - 4)) + scrollX}px`;
  tip.style.top = `${(above > 4 ? above : place.bottom + 8) + scrollY}px`;
}

/** Hide the tip. */
function hide() {
  current?.classList.remove("pointed");
  current = null;
  tip.hidden = true;
}

/** Make a plot answer to the pointer, and to the arrow keys when it has the focus. */
function enable(plot) {
  const marks = [...plot.querySelectorAll("[data-tip]")];
  for (const mark of marks) {
    const title = mark.querySelector("title");
    words.set(mark, title.textContent);
    title.remove(); // or the browser would show a second tip
    mark.addEventListener("pointerenter", () => show(mark));
    mark.addEventListener("pointerleave", hide);
  }
  plot.addEventListener("keydown", (event) => {
    const at = marks.indexOf(current);
    const last = marks.length - 1;
    const next = {
      ArrowRight: Math.min(at + 1, last),
      ArrowDown: Math.min(at + 1, last),
      ArrowLeft: Math.max(at - 1, 0),
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") {
      hide();
    } else if (next !== undefined && last >= 0 && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      marks[next].scrollIntoView({ block: "nearest" });
      show(marks[next]);
      announce(words.get(marks[next]));
    }
  });
  plot.addEventListener("blur", hide);
}

for (const plot of document.querySelectorAll("[data-plot]")) {
  enable(plot);
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    hide();
  }
});

// An empty parameter counts as not given, so it need not be in an address that people share.
for (const form of document.querySelectorAll("form[data-filters]")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) {
      if (value === "") {
        event.formData.delete(name);
      }
    }
  });
}
