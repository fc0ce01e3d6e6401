// What the parts of the demo share: the offer of the service, the patient, the draft orders and the sources.

import { uuid } from "./demo-api.js";

export const HOOKS = { select: "order-select", sign: "order-sign" };

/**
 * `setup` is what the service offers; `members` are those of a pasted request beside the ones that the page writes
 * itself; `context` is the context without its orders; `chart` is the chosen chart's id, "" for a pasted request.
 * `answered` tells that the service has learnt of a decision about this patient.
 */
export const session = { setup: null, sources: null, drafts: null, members: {}, context: {}, chart: "", answered: false };

// A clinician of this page alone: what another tester has answered must not keep a card from this one.
const CLINICIAN = `-${uuid().slice(0, 8)}`;
const EVERYBODY = "Practitioner/demo-clinician";

/** Return the context of a chart, asked by the clinician of this page. */
export function asked(context) {
  return context.userId === EVERYBODY ? { ...context, userId: `${EVERYBODY}${CLINICIAN}` } : context;
}
