// The form that a card opens: launched as an EHR launches a SMART app, and what it wrote taken into the chart.

import { CallError, ask, load } from "./demo-api.js";
import { byId, showNotice } from "./demo-dom.js";
import { session } from "./demo-session.js";

const BASE = "/demo/smart/fhir";

/** Open the form of a link, with the chart as it is on the screen. */
export async function openForm(link) {
  // Opened before anything is awaited: a browser blocks a window that comes later.
  const form = window.open("about:blank", "_blank");
  const { context, drafts, sources } = session;
  try {
    const { launch } = await ask(
      "/demo/smart/launch",
      JSON.stringify({
        patientId: context.patientId,
        userId: context.userId,
        prefetch: sources.sent(),
        orders: drafts.bundle().entry.map((entry) => entry.resource),
        appContext: link.appContext,
      }),
    );
    session.launches.push({ launch, chart: session.chart, taken: new Set() });
    const to = new URL(new URL(link.url).pathname, location.origin);
    to.search = new URLSearchParams({ iss: `${location.origin}${BASE}`, launch });
    form.location.replace(to);
  } catch (error) {
    form?.close();
    if (!(error instanceof CallError)) {
      throw error;
    }
    showNotice(byId("advice-error"), error.message);
  }
}

/** Take what forms of this chart have written since into the chart, where the next call brings it. */
export async function takeWritten() {
  const mine = session.launches.filter(({ chart }) => chart === session.chart);
  for (const { launch, taken } of mine) {
    const { written } = await load(`/demo/smart/launch/${launch}/written`);
    for (const resource of written.filter(({ id }) => !taken.has(id))) {
      taken.add(resource.id);
      session.sources.record(resource);
    }
  }
}
