// The situation on the screen as an address, to be sent to a colleague: patient, orders, sources taken away, hook.
//
// It stands behind the #, so that it is sent to no server. What somebody typed is never in it: of a note only answers
// in fixed words are, by their ids; of a pasted request nothing is.

import { changesOf, orderFrom } from "./demo-order-code.js";
import { HOOKS, session } from "./demo-session.js";

/** Return what the address asks for: patient, orders, sources and hook, each as far as it is there. */
export function wanted() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const hook = asked.get("hook");
  return {
    patient: asked.get("patient") ?? new URLSearchParams(location.search).get("patient"),
    orders: asked.getAll("order"),
    sources: Object.fromEntries(asked.getAll("source").map((said) => said.split("."))),
    hook: Object.values(HOOKS).includes(hook) ? hook : "",
  };
}

/** Let the address name the situation as it is. */
export function showAddress() {
  history.replaceState(null, "", session.chart ? `${location.pathname}#${named()}` : location.pathname);
}

function named() {
  const said = new URLSearchParams({ patient: session.chart });
  const orders = session.drafts.drafts.map(({ entry, selected }) => changesOf(entry.resource, selected, session));
  if (orders.length !== session.ordered.length || orders.some((order, position) => order !== `own.${position}`)) {
    (orders.length ? orders : ["none"]).forEach((order) => said.append("order", order));
  }
  for (const [key, state] of Object.entries(session.sources.changes())) {
    said.append("source", `${key}.${state}`);
  }
  if (session.hook) {
    said.set("hook", session.hook);
  }
  return said.toString().replaceAll("%2C", ",");
}

/** Return the entries of the wanted orders, and the references of the selected ones; null where the chart's are meant. */
export function wantedOrders(orders) {
  if (!orders.length) {
    return null;
  }
  const made = orders.map((said, position) => orderFrom(said, position, session)).filter(Boolean);
  const reference = ({ resource }) => `${resource.resourceType}/${resource.id}`;
  return {
    entries: made.map(({ resource }) => ({ resource })),
    selections: made.filter(({ selected }) => selected).map(reference),
  };
}
