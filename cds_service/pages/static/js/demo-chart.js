// The patient on the screen: banner, summary and timeline, always those of the session or none.

import { byId, showServerHtml } from "./demo-dom.js";

const PARTS = ["banner", "summary", "timeline"];
const WITHHOLDING = ["silent", "off"];

/** Hide the patient until it is certain who is next. */
export function hideChart() {
  for (const id of PARTS) {
    byId(id).hidden = true;
  }
}

/** Show the patient that was hidden again, if there is one. */
export function restoreChart() {
  const known = byId("person-name").textContent !== "";
  for (const id of PARTS) {
    byId(id).hidden = !known;
  }
}

/** Forget the patient: the session is somebody else's. */
export function dropChart() {
  hideChart();
  for (const id of ["person-name", "person-facts", "summary", "timeline"]) {
    byId(id).replaceChildren();
  }
}

/** Show a request as the service understands it. */
export function showChart(seen) {
  const { name, gender, age, birthDate } = seen.patient;
  byId("person-name").textContent = name;
  byId("person-facts").textContent = [gender, age && `${age} years`, birthDate && `born ${birthDate}`].filter(Boolean).join(", ");
  byId("mode").textContent = seen.mode;
  byId("mode-withholds").hidden = !WITHHOLDING.includes(seen.mode);
  showServerHtml(byId("summary"), seen.summary);
  showServerHtml(byId("timeline"), seen.timeline);
  restoreChart();
}

/** Say where the patient comes from, and what the chart is about. */
export function showOrigin(origin, about = "") {
  byId("person-origin").textContent = origin;
  byId("person-case").textContent = about;
}
