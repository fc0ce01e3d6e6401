// The demo EHR: a patient, draft orders, the two hooks, and what comes back.

import { announce } from "./copy.js";
import { fire, request } from "./demo-acting.js";
import { forget } from "./demo-advice.js";
import { restoreAddress, writeAddress } from "./demo-address.js";
import { CallError, ask, load } from "./demo-api.js";
import { dropChart, hideChart, restoreChart, showChart, showOrigin } from "./demo-chart.js";
import { byId, el, showNotice } from "./demo-dom.js";
import { enteredOrder, fillOrderEntry, usualOrder } from "./demo-entry.js";
import { DraftOrders } from "./demo-orders.js";
import { sendPasted } from "./demo-pasting.js";
import { HOOKS, asked, session } from "./demo-session.js";
import { Sources } from "./demo-sources.js";
import { overtake, take } from "./demo-turns.js";

async function start() {
  try {
    session.setup = await load("/demo/setup");
  } catch (error) {
    showNotice(byId("page-error"), error.message);
    return;
  }
  const { setup } = session;
  session.drafts = new DraftOrders(
    { list: byId("drafts"), empty: byId("no-drafts"), entry: byId("order-entry").querySelector("summary") },
    outdate,
  );
  session.drafts.systems = setup.systems;
  session.sources = new Sources(setup.prefetchKeys, outdate);
  fillChooser();
  fillOrderEntry();
  listen();
  byId("ehr").hidden = false;
  const address = location.search;
  const wanted = new URLSearchParams(address).get("patient");
  const known = setup.patients.some((patient) => patient.id === wanted);
  byId("patient").value = known ? wanted : setup.patients[0].id;
  await chooseChart();
  if (known && session.chart === wanted) {
    const hook = restoreAddress(address);
    writeAddress();
    if (hook) {
      await press(hook);
    }
  }
}

/** Fire a hook as the user asks; the address then tells of it. */
function press(hook) {
  return take((turn) => {
    writeAddress(hook);
    return fire(turn, hook);
  });
}

function listen() {
  byId("patient").addEventListener("change", chooseChart);
  byId("select").addEventListener("click", () => press(HOOKS.select));
  byId("sign").addEventListener("click", () => press(HOOKS.sign));
  byId("send-pasted").addEventListener("click", sendPasted);
  byId("order-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const { resource, origin } = enteredOrder();
    session.drafts.add(resource, origin);
    announce("Added to the draft orders.");
  });
}

function fillChooser() {
  const groups = [
    ["Invented patients, bundled", "bundled"],
    ["From the folder of charts", "folder"],
  ];
  for (const [label, origin] of groups) {
    const own = session.setup.patients.filter((patient) => patient.origin === origin);
    const options = own.map(({ id, title, patient }) => {
      const facts = `${patient.gender}${patient.age ? `, ${patient.age}` : ""}`;
      return el("option", { value: id }, title ? `${patient.name}: ${title}` : `${patient.name} (${facts})`);
    });
    if (options.length) {
      byId("patient").append(el("optgroup", { label }, ...options));
    }
  }
  const { problems } = session.setup;
  byId("unusable").hidden = problems.length === 0;
  byId("unusable").querySelector("ul").append(...problems.map(({ file, problem }) => el("li", {}, `${file}: ${problem}`)));
}

/** Open the chart that the chooser names; where that cannot be, let it name the open one again. */
async function chooseChart() {
  const id = byId("patient").value;
  if (!(await take((turn) => openChart(turn, id), { yields: true }))) {
    byId("patient").value = session.chart;
  }
}

async function openChart(turn, id) {
  hideChart();
  forget();
  let chart;
  try {
    chart = await turn.wait(load(`/demo/patients/${id.split("/").map(encodeURIComponent).join("/")}`));
  } catch (error) {
    if (error instanceof CallError) {
      byId("patient").value = session.chart;
      restoreChart();
    }
    throw error;
  }
  Object.assign(session, { members: {}, context: asked(chart.context), chart: id, answered: false });
  dropChart();
  byId("pasted-option")?.remove();
  session.sources.load(chart.prefetch);
  byId("written").value = chart.orderDate;
  session.drafts.load(chart.orders.length ? chart.orders : [{ resource: { ...usualOrder(), id: "demo-draft-0" } }]);
  const about = [chart.title, chart.expect && `Expect: ${chart.expect}`].filter(Boolean).join(". ");
  showOrigin(chart.origin === "bundled" ? "invented" : "from the folder", about);
  writeAddress();
  showChart(await turn.wait(ask("/demo/look", JSON.stringify(request(chart.hook)))));
}

/** Take away cards, and an answer that is still to come, that answer something else than what is on the screen. */
function outdate() {
  writeAddress();
  if (overtake() || byId("cards").children.length) {
    forget("The orders or the data have changed. Select or sign again.");
  }
}

start();
