// The advice on a form as it stands, asked of the service and shown.

import { byId, el, showServerHtml } from "./demo-dom.js";

const PATIENCE = 20_000; // ms
const BUSY = [429, 502, 503, 504];

/** An answer of the service that is none; `message` says why in its own words. */
export class AdviceError extends Error {}

/** Return what the service says to a form; null while it cannot be reached or has too much to do. AdviceError otherwise. */
export async function ask(body) {
  let answer;
  let json;
  try {
    answer = await fetch("/form/assess", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    json = await answer.json();
  } catch {
    return null;
  }
  if (BUSY.includes(answer.status)) {
    return null;
  }
  if (!answer.ok) {
    throw new AdviceError((json?.issue ?? []).map((issue) => issue.details?.text ?? issue.code).join(" "));
  }
  return json;
}

/** Show the advice; what is critical comes first and is announced at once. */
export function showAdvice(advice) {
  byId("order").textContent = advice.order;
  byId("answer").textContent = advice.answer;
  byId("order-unread").hidden = advice.orderIsRead;
  byId("cards").replaceChildren(
    ...advice.cards.map(({ indicator, summary, html }) => {
      const detail = html ? el("div", { className: "body" }) : null;
      if (detail) {
        showServerHtml(detail, html);
      }
      const card = el("article", { className: `card ${indicator}` }, el("h3", { className: "summary" }, summary), detail ?? "");
      if (indicator === "critical") {
        card.setAttribute("role", "alert");
      }
      return card;
    }),
  );
}
