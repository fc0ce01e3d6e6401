// Words typed into a draft order: where no button can answer a card, they are the answer.

import { el, freshId } from "./demo-dom.js";

/** Return what takes a note for the order of a name; `write(text)` is called with what was typed. */
export function noteEntry(name, write) {
  const id = freshId("note");
  const field = el("textarea", { id, rows: 2, autocomplete: "off" });
  const button = el("button", { type: "button", className: "small outline" }, "Write it");
  button.addEventListener("click", () => field.value.trim() && write(field.value.trim()));
  return el(
    "details",
    { className: "quiet note-entry" },
    el("summary", {}, "Write into the order"),
    el("label", { htmlFor: id, className: "visually-hidden" }, `Words for the order: ${name}`),
    field,
    button,
  );
}
