// What the parts of the demo share: the offer of the service, the patient, the draft orders and the sources.

export const HOOKS = { select: "order-select", sign: "order-sign" };

/**
 * `setup` is what the service offers; `members` are those of a pasted request beside the ones that the page writes
 * itself; `context` is the context without its orders; `chart` is the chosen chart's id, "" for a pasted request.
 */
export const session = { setup: null, sources: null, drafts: null, members: {}, context: {}, chart: "" };
