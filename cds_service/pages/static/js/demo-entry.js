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

/** Return the order that the form says, and the parts by which an address names it: what is typed is not among them. */
export function enteredOrder() {
  const chosen = [...document.querySelectorAll("#reasons input:checked")].map((box) => box.value);
  const parts = [byId("study").value, byId("priority").value, byId("written").value, chosen.join(".")];
  const note = byId("note").value.trim();
  const resource = { ...orderOf(parts), ...(note ? { note: [{ text: note }] } : {}) };
  return { resource, origin: ["entered", ...parts].join(":") };
}

/** Return the order of such parts: study, priority, day and reasons; null where they name nothing on offer. */
export function orderOf([study, priority, day, reasons = ""]) {
  const { orderables, reasons: offered } = session.setup;
  const chosen = reasons.split(".").filter(Boolean).map((number) => offered[Number(number)]?.concept);
  const priorities = [...byId("priority").options].map((option) => option.value);
  const known = Object.hasOwn(orderables, study) && priorities.includes(priority) && /^\d{4}-\d\d-\d\d$/.test(day);
  if (!known || chosen.includes(undefined)) {
    return null;
  }
  return { ...order(orderables[Number(study)], chosen, day), priority };
}

function order({ resourceType, code }, reasons, day = byId("written").value) {
  const { patientId, encounterId, userId } = session.context;
  return {
    resourceType,
    status: "draft",
    intent: "order",
    priority: "routine",
    [resourceType === "MedicationRequest" ? "medicationCodeableConcept" : "code"]: code,
    subject: { reference: `Patient/${String(patientId).replace(/^Patient\//, "")}` },
    ...(encounterId ? { encounter: { reference: `Encounter/${encounterId}` } } : {}),
    authoredOn: day,
    requester: { reference: userId },
    ...(reasons.length ? { reasonCode: reasons } : {}),
  };
}
