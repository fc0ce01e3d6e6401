// What went over the wire: each request and response as sent, the status, and the time of each phase.

import { announce } from "./copy.js";
import { el, freshId } from "./demo-dom.js";

const KEPT = 6;
const SHOWN_FOR = 2000; // ms
const LONGEST = 200_000; // characters shown; what is copied is whole

/** Show an exchange above the earlier ones; `what` says what happened in it. */
export function showExchange(list, done, what) {
  for (const older of list.querySelectorAll(":scope > details[open]")) {
    older.open = false;
  }
  const failed = done.ok ? "good" : "critical";
  const summary = el(
    "summary",
    {},
    el("span", { className: `chip ${failed}` }, String(done.status)),
    " ",
    el("code", {}, `POST ${done.path}`),
    ` ${done.milliseconds.toFixed(0)} ms · ${what}`,
  );
  const parts = [
    phases(done),
    part("Request", pretty(done.body), done.body),
    part("Response", pretty(done.text), done.text, true),
    part("As curl", curl(done), curl(done)),
  ];
  list.prepend(el("details", { className: "exchange", open: true }, summary, ...parts.filter(Boolean)));
  while (list.children.length > KEPT) {
    list.lastElementChild.remove();
  }
}

function phases(done) {
  if (!done.phases.length) {
    return el("p", { className: "muted" }, "The service did not tell the time of its phases.");
  }
  const items = done.phases.map(([name, spent]) => el("li", {}, el("span", {}, name), " ", el("strong", {}, `${spent.toFixed(1)} ms`)));
  return el("ul", { className: "phases", "aria-label": "Time of each phase in the service" }, ...items);
}

/** A collapsed text with a copy button; the text is put into the page when it is opened. */
function part(title, shown, whole, open = false) {
  const id = freshId("wire");
  const code = el("code", { id });
  const pre = el("pre", { tabIndex: 0, "aria-label": title }, code);
  const copy = el("button", { type: "button", className: "small outline" }, "Copy");
  copy.addEventListener("click", () => copyText(copy, whole, code));
  const details = el("details", { className: "wire-part", open }, el("summary", {}, title), copy, pre);
  const fill = () => {
    code.textContent = shown.length > LONGEST ? `${shown.slice(0, LONGEST)}\n… (${shown.length - LONGEST} more characters; Copy takes all)` : shown;
  };
  if (open) {
    fill();
  } else {
    details.addEventListener("toggle", fill, { once: true });
  }
  return details;
}

async function copyText(button, text, code) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Press Ctrl+C";
  }
  announce(button.textContent);
  setTimeout(() => {
    button.textContent = "Copy";
  }, SHOWN_FOR);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Return a command that sends the same body again: a quoted here-document, in which a shell changes nothing. */
function curl(done) {
  const url = new URL(done.path, location.href).href.replaceAll("'", "%27");
  const end = done.body.includes("END_OF_REQUEST") ? "END_OF_REQUEST_2" : "END_OF_REQUEST";
  const token = done.withToken ? " -H \"Authorization: Bearer $TOKEN\"" : "";
  return `curl -sS '${url}' -H 'Content-Type: application/json'${token} --data-binary @- <<'${end}'\n${done.body}\n${end}`;
}
