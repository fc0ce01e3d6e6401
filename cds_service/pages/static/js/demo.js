// The demo EHR: a patient, draft orders, the two hooks, and what comes back.

import { announce } from "./copy.js";
import { CallError, ask, exchange, load, refuse, uuid } from "./demo-api.js";
import { cardElement } from "./demo-cards.js";
import { byId, el, showNotice, showServerHtml } from "./demo-dom.js";
import { DraftOrders } from "./demo-orders.js";
import { Sources } from "./demo-sources.js";
import { showExchange } from "./demo-wire.js";

const HOOKS = { select: "order-select", sign: "order-sign" };
const BUTTONS = ["select", "sign", "send-pasted"];

let setup;
let sources;
let busy = false;
// Members of a pasted request beside those that the page writes itself; and the context without its orders.
let session = { members: {}, context: {} };

const drafts = new DraftOrders(byId("drafts"), byId("no-drafts"), outdate);

/* Start */

async function start() {
  try {
    setup = await load("/demo/setup");
  } catch (error) {
    showNotice(byId("page-error"), error.message);
    return;
  }
  drafts.systems = setup.systems;
  sources = new Sources(setup.prefetchKeys, outdate);
  fillChooser();
  fillOrderEntry();
  byId("patient").addEventListener("change", () => guarded(() => openChart(byId("patient").value)));
  byId("select").addEventListener("click", () => guarded(() => fire("select")));
  byId("sign").addEventListener("click", () => guarded(() => fire("sign")));
  byId("send-pasted").addEventListener("click", () => guarded(sendPasted));
  byId("order-form").addEventListener("submit", (event) => {
    event.preventDefault();
    drafts.add(enteredOrder());
    announce("Added to the draft orders.");
  });
  byId("desk").hidden = false;
  const wanted = new URLSearchParams(location.search).get("patient");
  const known = setup.patients.some((patient) => patient.id === wanted);
  byId("patient").value = known ? wanted : setup.patients[0].id;
  await guarded(() => openChart(byId("patient").value));
}

function fillChooser() {
  const groups = [
    ["Invented patients, bundled", "bundled"],
    ["From the folder of charts", "folder"],
  ];
  for (const [label, origin] of groups) {
    const own = setup.patients.filter((patient) => patient.origin === origin);
    const options = own.map(({ id, title, patient }) => {
      const facts = `${patient.gender}${patient.age ? `, ${patient.age}` : ""}`;
      return el("option", { value: id }, title ? `${patient.name}: ${title}` : `${patient.name} (${facts})`);
    });
    if (options.length) {
      byId("patient").append(el("optgroup", { label }, ...options));
    }
  }
  const unusable = byId("unusable");
  unusable.hidden = setup.problems.length === 0;
  unusable.querySelector("ul").append(...setup.problems.map(({ file, problem }) => el("li", {}, `${file}: ${problem}`)));
}

function fillOrderEntry() {
  byId("study").append(...setup.orderables.map(({ name }, position) => el("option", { value: String(position) }, name)));
  byId("reasons").append(
    ...setup.reasons.map(({ name }, position) =>
      el("label", {}, el("input", { type: "checkbox", name: "reason", value: String(position) }), ` ${name}`),
    ),
  );
}

/* Patients */

async function openChart(id) {
  const chart = await load(`/demo/patients/${id.split("/").map(encodeURIComponent).join("/")}`);
  session = { members: {}, context: chart.context };
  sources.load(chart.prefetch);
  byId("written").value = chart.orderDate;
  drafts.load(chart.orders.length ? chart.orders : [{ resource: { ...usualOrder(), id: "demo-draft-0" } }]);
  forget();
  byId("person-case").textContent = [chart.title, chart.expect && `Expect: ${chart.expect}`].filter(Boolean).join(". ");
  byId("person-origin").textContent = chart.origin === "bundled" ? "invented" : "from the folder";
  await preview(chart.hook);
}

/** Show the chart and the timeline before anything is ordered. */
async function preview(hook) {
  const seen = await ask("/demo/look", JSON.stringify(request(hook)));
  showChart(seen);
}

function showChart(seen) {
  const { name, gender, age, birthDate } = seen.patient;
  byId("person-name").textContent = name;
  byId("person-facts").textContent = [gender, age && `${age} years`, birthDate && `born ${birthDate}`].filter(Boolean).join(", ");
  byId("banner").hidden = false;
  showServerHtml(byId("summary"), seen.summary);
  showServerHtml(byId("timeline"), seen.timeline);
}

/* Orders */

function usualOrder() {
  return order(setup.orderables[0], [setup.reasons[0].concept]);
}

function enteredOrder() {
  const chosen = [...document.querySelectorAll("#reasons input:checked")].map((box) => setup.reasons[Number(box.value)].concept);
  const entered = order(setup.orderables[Number(byId("study").value)], chosen);
  const note = byId("note").value.trim();
  return { ...entered, priority: byId("priority").value, ...(note ? { note: [{ text: note }] } : {}) };
}

function order({ resourceType, code }, reasons) {
  return {
    resourceType,
    status: "draft",
    intent: "order",
    priority: "routine",
    [resourceType === "MedicationRequest" ? "medicationCodeableConcept" : "code"]: code,
    subject: { reference: `Patient/${String(session.context.patientId).replace(/^Patient\//, "")}` },
    ...(session.context.encounterId ? { encounter: { reference: `Encounter/${session.context.encounterId}` } } : {}),
    authoredOn: byId("written").value,
    requester: { reference: session.context.userId },
    ...(reasons.length ? { reasonCode: reasons } : {}),
  };
}

/* Hooks */

function request(hook) {
  const selecting = hook === HOOKS.select;
  return {
    hook,
    hookInstance: uuid(),
    ...session.members,
    context: {
      ...session.context,
      ...(selecting ? { selections: drafts.selections() } : {}),
      draftOrders: drafts.bundle(),
    },
    prefetch: sources.sent(),
  };
}

/** Fire a hook with the draft orders as they are; `before` is said in front of what came back. */
async function fire(name, before = "") {
  const hook = HOOKS[name];
  if (!drafts.drafts.length) {
    forget(`${before} No draft order is left, so there is nothing to ask about.`.trim());
    return;
  }
  if (name === "select" && !drafts.selections().length) {
    forget(`${before} Tick the orders that are being selected.`.trim());
    return;
  }
  await send(hook, JSON.stringify(request(hook)), before);
}

/** Send a request to the service of its hook, and show everything that comes of it. Return whether it was answered. */
async function send(hook, body, before = "") {
  showNotice(byId("advice-error"));
  const done = await exchange(setup.services[hook], body, token());
  const cards = done.ok ? (done.json?.cards ?? []) : [];
  showExchange(byId("exchanges"), done, done.ok ? counted(cards) : "refused");
  byId("no-exchanges").hidden = true;
  if (!done.ok) {
    byId("cards").replaceChildren();
    byId("findings").replaceChildren(el("p", { className: "muted" }, "The service gave no answer to look into."));
    refuse(done);
  }
  const acted = applySystemActions(done.json);
  const details = cards.map((card) => card.detail ?? "");
  const [rendered, seen] = await Promise.all([ask("/demo/render", JSON.stringify({ texts: details })), ask("/demo/look", body)]);
  showCards(hook, cards, rendered.html);
  showChart(seen);
  showServerHtml(byId("findings"), seen.findings);
  conclude([before, conclusion(hook, cards), acted].filter(Boolean).join(" "));
  return true;
}

/** Apply what the service does by itself, such as recording a rating on an order, and tell of it. */
function applySystemActions(answer) {
  const actions = answer?.systemActions ?? [];
  if (!actions.length) {
    return "";
  }
  drafts.apply(actions);
  return `The service also changed the drafts by itself (${actions.length} system action${actions.length > 1 ? "s" : ""}).`;
}

function showCards(hook, cards, html) {
  const act = {
    accept: (card, suggestion) => guarded(() => accept(hook, card, suggestion)),
    dismiss: (card, reason, comment) => guarded(() => dismiss(hook, card, reason, comment)),
  };
  const shown = cards.map((card, position) => cardElement(card, html[position], act));
  shown.forEach((element, position) => {
    element.dataset.card = cards[position].uuid ?? "";
  });
  byId("cards").replaceChildren(...shown);
}

function counted(cards) {
  return cards.length === 0 ? "no card" : `${cards.length} card${cards.length > 1 ? "s" : ""}`;
}

function conclusion(hook, cards) {
  if (cards.length) {
    return `${hook} was answered with ${counted(cards)}.`;
  }
  const next = hook === HOOKS.sign ? " An EHR would now sign the drafts." : "";
  return `${hook} was answered with no card: nobody is interrupted.${next}`;
}

/** Say how a call ended, to eyes and to screen readers, and bring the answer into view. */
function conclude(text) {
  byId("advice-status").textContent = text;
  const cards = [...byId("cards").children].map((card) => {
    const [level, summary] = [card.querySelector(".level"), card.querySelector(".summary")];
    return `${level.textContent.toLowerCase()}, ${summary.textContent}`;
  });
  announce(cards.length ? `${counted(cards)}: ${cards.join("; ")}` : text);
  const top = byId("advice").getBoundingClientRect().top;
  if (top < 0 || top > innerHeight * 0.7) {
    byId("advice").scrollIntoView({ block: "start" });
  }
}

/* What the clinician does with a card */

async function accept(hook, card, suggestion) {
  const problems = drafts.apply(suggestion.actions ?? []);
  const told = await report(hook, {
    card: card.uuid,
    outcome: "accepted",
    acceptedSuggestions: [{ id: suggestion.uuid }],
  });
  const before = [`Accepted “${suggestion.label}”${told}.`, ...problems].join(" ");
  byId("advice").focus({ preventScroll: true });
  await fire(hook === HOOKS.sign ? "sign" : "select", before);
}

async function dismiss(hook, card, reason, comment) {
  const why = { ...(reason ? { reason } : {}), ...(comment ? { userComment: comment } : {}) };
  const told = await report(hook, {
    card: card.uuid,
    outcome: "overridden",
    ...(Object.keys(why).length ? { overrideReason: why } : {}),
  });
  byId("cards").querySelector(`[data-card="${CSS.escape(card.uuid ?? "")}"]`)?.remove();
  byId("advice").focus({ preventScroll: true });
  conclude(`Dismissed “${card.summary}”${told}. The drafts stay as they are.`);
}

/** Send feedback; return how that went, for the sentence that tells of the decision. */
async function report(hook, entry) {
  const path = `${setup.services[hook]}/feedback`;
  const body = JSON.stringify({ feedback: [{ ...entry, outcomeTimestamp: new Date().toISOString() }] });
  const done = await exchange(path, body, token());
  showExchange(byId("exchanges"), done, done.ok ? `feedback: ${entry.outcome}` : "feedback refused");
  return done.ok ? " and told the service" : ` (the feedback was refused with ${done.status})`;
}

/* Pasted requests */

async function sendPasted() {
  const text = byId("pasted").value;
  const fail = (message) => showNotice(byId("pasted-error"), message);
  fail("");
  let pasted;
  try {
    pasted = JSON.parse(text);
  } catch (error) {
    return fail(`This is not JSON: ${error.message}`);
  }
  if (pasted === null || typeof pasted !== "object" || Array.isArray(pasted)) {
    return fail("This is JSON, but not a hook request: an object is needed.");
  }
  if (!(pasted.hook in setup.services)) {
    return fail(`“hook” must be one of ${Object.keys(setup.services).join(", ")}.`);
  }
  showNotice(byId("pasted-error"));
  takeOver(pasted);
  await send(pasted.hook, text);
}

/** Make a pasted request the session, so that its suggestions can be accepted and its sources taken away. */
function takeOver(pasted) {
  const { hook, hookInstance, context, prefetch, ...members } = pasted;
  const { draftOrders, selections, ...rest } = context && typeof context === "object" ? context : {};
  session = { members, context: rest };
  sources.load(prefetch && typeof prefetch === "object" ? prefetch : {});
  drafts.load(Array.isArray(draftOrders?.entry) ? draftOrders.entry : [], Array.isArray(selections) ? selections : null);
  forget();
  byId("person-case").textContent = "";
  byId("person-origin").textContent = "pasted";
}

/* State of the page */

function token() {
  return byId("token")?.value.trim() ?? "";
}

/** Take away cards that answer something else than what is now on the screen. */
function outdate() {
  if (byId("cards").children.length) {
    forget("The orders or the data have changed. Select or sign again.");
  }
}

function forget(text = "Press Select while ordering, or Sign to sign every draft.") {
  byId("cards").replaceChildren();
  showNotice(byId("advice-error"));
  byId("findings").replaceChildren(el("p", { className: "muted" }, "They appear with the next answer."));
  byId("advice-status").textContent = text;
}

/** Run one thing at a time, show that it runs, and show how it failed. */
async function guarded(work) {
  if (busy) {
    return;
  }
  busy = true;
  const late = setTimeout(() => progress("Asking the service…"), 150);
  lock(true);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CallError)) {
      throw error;
    }
    const fields = error.fields.length ? el("p", {}, "Concerns: ", ...error.fields.flatMap((field) => [el("code", {}, field), " "])) : "";
    const status = error.exchange ? `${error.exchange.status}: ` : "";
    showNotice(byId("advice-error"), ...[el("p", {}, el("strong", {}, `No answer. ${status}`), error.message), fields].filter(Boolean));
    conclude("The service gave no advice. That does not mean approval.");
  } finally {
    clearTimeout(late);
    progress("");
    lock(false);
    busy = false;
  }
}

function lock(locked) {
  byId("desk").setAttribute("aria-busy", String(locked));
  for (const id of BUTTONS) {
    byId(id).disabled = locked;
  }
}

function progress(text) {
  byId("progress").hidden = !text;
  byId("progress-text").textContent = text;
}

start();
