// Order entry: what can be ordered, and the order as it is entered.

import { byId, el } from "./demo-dom.js";
import { newOrder } from "./demo-order-code.js";
import { session } from "./demo-session.js";

/** Offer the studies and reasons of the service. */
export function fillOrderEntry() {
  const { orderables, reasons } = session.setup;
  const listed = orderables.filter((orderable) => orderable.listed);
  byId("study").append(...listed.map(({ id, name }) => el("option", { value: id }, name)));
  byId("reasons").append(
    ...reasons.map(({ name }, position) =>
      el("label", {}, el("input", { type: "checkbox", name: "reason", value: String(position) }), ` ${name}`),
    ),
  );
}

/** Return the order that a chart without one begins with. */
export function usualOrder() {
  return order(session.setup.orderables[0], [session.setup.reasons[0].concept]);
}

/** Return the order that the form says. */
export function enteredOrder() {
  const { orderables, reasons } = session.setup;
  const chosen = [...document.querySelectorAll("#reasons input:checked")].map((box) => reasons[Number(box.value)].concept);
  const entered = order(orderables.find(({ id }) => id === byId("study").value), chosen);
  const note = byId("note").value.trim();
  return { ...entered, priority: byId("priority").value, ...(note ? { note: [{ text: note }] } : {}) };
}

function order(orderable, reasons) {
  return newOrder(orderable, { reasons, written: byId("written").value, context: session.context });
}
