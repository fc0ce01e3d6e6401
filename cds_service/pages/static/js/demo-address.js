// The address of the page holds a situation that can be sent to a colleague: the chart, the draft orders, the sources
// taken away and the hook. It holds no text that somebody typed, and nothing of a pasted request.

import { orderOf } from "./demo-entry.js";
import { HOOKS, session } from "./demo-session.js";

const NO_ORDER = "none";

/** Write the situation into the address; `hook` is the one that was fired, "" where the last answer is outdated. */
export function writeAddress(hook = "") {
  if (session.drafts.drafts.some((draft) => !draft.origin)) {
    return; // an accepted card has drafted something: the address keeps the situation before, to press it again
  }
  const wanted = new URLSearchParams();
  if (session.chart) {
    wanted.set("patient", session.chart);
    const orders = session.drafts.drafts.map(nameOfDraft);
    if (!session.drafts.asLoaded()) {
      for (const name of orders.length ? orders : [NO_ORDER]) {
        wanted.append("order", name);
      }
    }
    for (const [key, state] of session.sources.changes()) {
      wanted.append("source", `${key}:${state}`);
    }
    if (hook) {
      wanted.set("hook", hook);
    }
  }
  const query = wanted.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
  history.replaceState(null, "", query ? `${location.pathname}?${query}` : location.pathname);
}

/** Bring orders and sources to what an address says; return its hook, "" where none is to be fired. */
export function restoreAddress(search) {
  const wanted = new URLSearchParams(search);
  const orders = wanted.getAll("order");
  if (orders.length) {
    session.drafts.replace(orders.filter((name) => name !== NO_ORDER).map(draftOf).filter(Boolean));
  }
  session.sources.restore(wanted.getAll("source").map((item) => item.split(":")));
  const hook = wanted.get("hook") ?? "";
  return Object.values(HOOKS).includes(hook) ? hook : "";
}

/**
 * Return the name of a draft: `chart:0` for the first order of the chart, as it stands there, and
 * `entered:STUDY:PRIORITY:DAY:REASONS` for one that was entered; one that is not selected has `,off` behind it. What
 * an accepted card or a typed note made of an order is not told: the colleague presses that again.
 */
function nameOfDraft(draft) {
  return draft.origin + (draft.selected ? "" : ",off");
}

function draftOf(text) {
  const [name, off] = text.split(",");
  const [kind, ...parts] = name.split(":");
  const selected = off !== "off";
  if (kind === "chart") {
    return session.drafts.ofChart(Number(parts[0]), selected);
  }
  const resource = kind === "entered" ? orderOf(parts) : null;
  return resource && { resource, selected, origin: name };
}
