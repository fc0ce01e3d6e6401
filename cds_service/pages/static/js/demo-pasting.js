// A tester's own hook request: sent as pasted, and once it is answered, the session to go on with.

import { send } from "./demo-acting.js";
import { forget } from "./demo-advice.js";
import { writeAddress } from "./demo-address.js";
import { dropChart, showOrigin } from "./demo-chart.js";
import { byId, el, showNotice } from "./demo-dom.js";
import { session } from "./demo-session.js";
import { take } from "./demo-turns.js";

/** Send what is in the field, or say beside it why that is no hook request. */
export async function sendPasted() {
  const text = byId("pasted").value;
  const { pasted, problem } = read(text);
  showNotice(byId("pasted-error"), ...(problem ? [problem] : []));
  byId("pasted").setAttribute("aria-invalid", String(Boolean(problem)));
  if (!problem) {
    await take((turn) => send(turn, pasted.hook, text, () => takeOver(pasted)));
  }
}

/** Return a pasted request, or the problem with it. */
function read(text) {
  let pasted;
  try {
    pasted = JSON.parse(text);
  } catch (error) {
    return { problem: `This is not JSON: ${error.message}` };
  }
  if (pasted === null || typeof pasted !== "object" || Array.isArray(pasted)) {
    return { problem: "This is JSON, but not a hook request: an object is needed." };
  }
  const { services } = session.setup;
  if (typeof pasted.hook !== "string" || !Object.hasOwn(services, pasted.hook)) {
    return { problem: `“hook” must be one of ${Object.keys(services).join(", ")}.` };
  }
  return { pasted };
}

/** Make an answered request the session, so that its suggestions can be accepted and its sources taken away. */
function takeOver(pasted) {
  const { hook, hookInstance, context, prefetch, ...members } = pasted;
  const { draftOrders, selections, ...rest } = context && typeof context === "object" ? context : {};
  dropChart();
  Object.assign(session, { members, context: rest, chart: "", answered: false });
  session.sources.load(prefetch && typeof prefetch === "object" ? prefetch : {});
  session.drafts.load(Array.isArray(draftOrders?.entry) ? draftOrders.entry : [], Array.isArray(selections) ? selections : null);
  forget();
  nameInChooser();
  writeAddress();
  showOrigin("pasted");
}

/** Let the chooser name no chart; the option stays until a chart is chosen. */
function nameInChooser() {
  if (!byId("pasted-option")) {
    byId("patient").prepend(el("option", { id: "pasted-option", value: "" }, "(pasted request)"));
  }
  byId("patient").value = "";
}
