// Order entry: what can be ordered, and the order as it is entered.

import { byId, el } from "./demo-dom.js";
import { session } from "./demo-session.js";

/** Offer the studies and reasons of the service. */
export function fillOrderEntry() {
  const { orderables, reasons } = session.setup;
  byId("study").append(...orderables.map(({ name }, position) => el("option", { value: String(position) }, name)));
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
  const entered = order(orderables[Number(byId("study").value)], chosen);
  const note = byId("note").value.trim();
  return { ...entered, priority: byId("priority").value, ...(note ? { note: [{ text: note }] } : {}) };
}

function order({ resourceType, code }, reasons) {
  const { patientId, encounterId, userId } = session.context;
  return {
    resourceType,
    status: "draft",
    intent: "order",
    priority: "routine",
    [resourceType === "MedicationRequest" ? "medicationCodeableConcept" : "code"]: code,
    subject: { reference: `Patient/${String(patientId).replace(/^Patient\//, "")}` },
    ...(encounterId ? { encounter: { reference: `Encounter/${encounterId}` } } : {}),
    authoredOn: byId("written").value,
    requester: { reference: userId },
    ...(reasons.length ? { reasonCode: reasons } : {}),
  };
}
