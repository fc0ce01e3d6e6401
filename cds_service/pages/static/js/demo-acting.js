// Firing a hook, and what the clinician does with the cards that come back.

import { showAddress } from "./demo-address.js";
import { conclude, conclusion, counted, forget, remembered, showRemembered } from "./demo-advice.js";
import { CallError, ask, exchange, refuse, uuid } from "./demo-api.js";
import { cardElement } from "./demo-cards.js";
import { showChart } from "./demo-chart.js";
import { byId, showNotice, showServerHtml } from "./demo-dom.js";
import { openForm, takeWritten } from "./demo-form.js";
import { HOOKS, asSomebody, session } from "./demo-session.js";
import { take } from "./demo-turns.js";
import { showExchange } from "./demo-wire.js";

/** Return a hook request with the draft orders and the sources as they are. */
export function request(hook) {
  const { members, context, drafts, sources } = session;
  return {
    hook,
    hookInstance: uuid(),
    ...members,
    context: {
      ...context,
      ...(hook === HOOKS.select ? { selections: drafts.selections() } : {}),
      draftOrders: drafts.bundle(),
    },
    prefetch: sources.sent(),
  };
}

/** Fire a hook with the draft orders as they are. */
export async function fire(turn, hook) {
  let lacking = "";
  if (!session.drafts.drafts.length) {
    lacking = "No draft order is left, so there is nothing to ask about.";
  } else if (hook === HOOKS.select && !session.drafts.selections().length) {
    lacking = "Tick the orders that are being selected.";
  }
  if (lacking) {
    forget();
    conclude([...turn.said, lacking].join(" "));
    return;
  }
  await turn.wait(takeWritten());
  await send(turn, hook, JSON.stringify(request(hook)));
}

/**
 * Send a request to the service of its hook, and show everything that comes of it. `onAnswered` is called once the
 * service has taken the request, before anything of the answer is used. CallError where it was refused.
 */
export async function send(turn, hook, body, onAnswered = () => {}) {
  showNotice(byId("advice-error"));
  showNotice(byId("remembered"));
  const done = await turn.wait(exchange(session.setup.services[hook], body, token()));
  const cards = done.ok ? (done.json?.cards ?? []) : [];
  showExchange(byId("exchanges"), done, done.ok ? counted(cards) : "refused");
  byId("no-exchanges").hidden = true;
  if (!done.ok) {
    refuse(done);
  }
  onAnswered();
  const acted = applySystemActions(done.json);
  const texts = cards.map((card) => card.detail ?? "");
  const looked = Promise.all([ask("/demo/render", JSON.stringify({ texts })), ask("/demo/look", body)]);
  const [rendered, seen] = await turn.wait(looked);
  showCards(hook, cards, rendered.html, seen.why);
  showRemembered(remembered(done.json, seen.titles), actAsAnother);
  showChart(seen);
  showServerHtml(byId("findings"), seen.findings);
  session.hook = hook;
  showAddress();
  conclude([...turn.said, conclusion(hook, cards, seen, hook === HOOKS.sign), acted].filter(Boolean).join(" "));
}

/** Go on as a clinician who has answered nothing yet. */
function actAsAnother() {
  session.context = asSomebody(session.context);
  forget("You are another clinician now. Select or sign again.");
}

/** Apply what the service does by itself, such as recording a rating on an order, and tell of it. */
function applySystemActions(answer) {
  const actions = answer?.systemActions ?? [];
  if (!actions.length) {
    return "";
  }
  session.drafts.apply(actions);
  return `The service also changed the drafts by itself (${actions.length} system action${actions.length > 1 ? "s" : ""}).`;
}

function showCards(hook, cards, html, whys) {
  const act = {
    accept: (card, suggestion) => take((turn) => accept(turn, hook, card, suggestion)),
    dismiss: (card, reason, comment) => take((turn) => dismiss(turn, hook, card, reason, comment)),
    open: session.setup.opensForms ? openForm : null,
  };
  const shown = cards.map((card, position) => cardElement(card, { html: html[position], why: whys[card.uuid] ?? "" }, act));
  shown.forEach((element, position) => {
    element.dataset.card = cards[position].uuid ?? "";
  });
  byId("cards").replaceChildren(...shown);
}

/** Apply a suggestion once, tell the service, and ask again. The cards go first: they answer the earlier drafts. */
async function accept(turn, hook, card, suggestion) {
  byId("cards").replaceChildren();
  const actions = suggestion.actions ?? [];
  const answers = actions.filter(isAnswer);
  const problems = session.drafts.apply(actions.filter((action) => !isAnswer(action)));
  const kept = answers.filter((action) => session.sources.record(action.resource)).length;
  const { told } = await report(turn, hook, {
    card: card.uuid,
    outcome: "accepted",
    acceptedSuggestions: [{ id: suggestion.uuid }],
  });
  const written = kept ? ["The answer was written into the chart."] : [];
  turn.said.push(`Accepted “${suggestion.label}”${told}.`, ...written, ...problems);
  await fire(turn, hook);
}

/** Whether an action writes an answer into the chart instead of an order. */
function isAnswer(action) {
  return action?.type === "create" && action.resource?.resourceType === "QuestionnaireResponse";
}

/** Tell the service why a card is not followed, and ask again; without a reason it would only say the same again. */
async function dismiss(turn, hook, card, reason, comment) {
  const why = { ...(reason ? { reason } : {}), ...(comment ? { userComment: comment } : {}) };
  byId("cards").querySelector(`[data-card="${CSS.escape(card.uuid ?? "")}"]`)?.remove();
  const { told, taken } = await report(turn, hook, {
    card: card.uuid,
    outcome: "overridden",
    ...(Object.keys(why).length ? { overrideReason: why } : {}),
  });
  turn.said.push(`Dismissed “${card.summary}”${told}. The drafts stay as they are.`);
  if (reason && taken) {
    await fire(turn, hook);
  } else {
    conclude(turn.said.join(" "));
  }
}

/** Send feedback; return whether it was taken, and words on that for the sentence about the decision, which stands. */
async function report(turn, hook, entry) {
  const path = `${session.setup.services[hook]}/feedback`;
  const body = JSON.stringify({ feedback: [{ ...entry, outcomeTimestamp: new Date().toISOString() }] });
  let done;
  try {
    done = await turn.wait(exchange(path, body, token()));
  } catch (error) {
    if (error instanceof CallError) {
      return { taken: false, told: " (the feedback could not be sent)" };
    }
    throw error;
  }
  showExchange(byId("exchanges"), done, done.ok ? `feedback: ${entry.outcome}` : "feedback refused");
  return { taken: done.ok, told: done.ok ? " and told the service" : ` (the feedback was refused with ${done.status})` };
}

function token() {
  return byId("token")?.value.trim() ?? "";
}
