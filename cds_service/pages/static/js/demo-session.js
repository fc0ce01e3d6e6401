// What the parts of the demo share: the offer of the service, the patient, the draft orders and the sources.

export const HOOKS = { select: "order-select", sign: "order-sign" };

/**
 * `setup` is what the service offers; `members` are those of a pasted request beside the ones that the page writes
 * itself; `context` is the context without its orders; `chart` is the chosen chart's id, "" for a pasted request;
 * `ordered` are the orders that the chart came with; `launches` are the forms that were opened; `hook` is the last one that was answered for what is on the screen.
 */
export const session = {
  setup: null,
  sources: null,
  drafts: null,
  members: {},
  context: {},
  chart: "",
  ordered: [],
  hook: "",
  launches: [],
};

/** Return a context under a clinician of its own: what one visitor of the page answered is not another's answer. */
export function asSomebody(context) {
  const drawn = Math.floor(Math.random() * 0x10000).toString(16).padStart(4, "0");
  return { ...context, userId: `${String(context.userId).replace(/-[0-9a-f]{4}$/, "")}-${drawn}` };
}
