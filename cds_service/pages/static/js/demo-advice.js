// The advice panel: how a call ended, in words for eyes and for screen readers.

import { announce } from "./copy.js";
import { byId, el, showNotice } from "./demo-dom.js";

/** Return how many cards there are, in words. */
export function counted(cards) {
  return cards.length === 0 ? "no card" : `${cards.length} card${cards.length > 1 ? "s" : ""}`;
}

/**
 * Say what an answered call came to; `seen` is the same request looked at from inside, with the mode in force, and
 * `answered` tells that the service has learnt of a decision about this patient.
 */
export function conclusion(hook, cards, seen, { signing, answered }) {
  if (cards.length) {
    return `${hook} was answered with ${counted(cards)}.`;
  }
  if (seen.mode === "off") {
    return `${hook} was answered with no card. Mode off: the service did not look at the orders, and nobody gets advice.`;
  }
  if (seen.speaks && seen.mode !== "on") {
    const why = seen.mode === "pilot" ? ", since this user does not take part" : "";
    return `${hook} was answered with no card. Mode ${seen.mode}: assessed and withheld${why}. The findings tell what a card would have said.`;
  }
  if (seen.mode === "silent") {
    return `${hook} was answered with no card. Mode silent: nobody gets a card, whatever is found.`;
  }
  const next = signing ? " An EHR would now sign the drafts." : "";
  const why = answered ? "nothing more is asked today" : "nobody is interrupted";
  return `${hook} was answered with no card: ${why}.${next}`;
}

/** Say how a call ended, and bring the answer into view. */
export function conclude(text) {
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

/** Take the last answer away. */
export function forget(text = "Press Select while ordering, or Sign to sign every draft.") {
  byId("cards").replaceChildren();
  showNotice(byId("advice-error"));
  showFindings("They appear with the next answer.");
  byId("advice-status").textContent = text;
}

/** Show a call that failed; `said` are sentences about what happened before it did. */
export function showFailure(error, said) {
  const fields = error.fields.length ? el("p", {}, "Concerns: ", ...error.fields.flatMap((field) => [el("code", {}, field), " "])) : "";
  const status = error.exchange ? `${error.exchange.status}: ` : "";
  byId("cards").replaceChildren();
  showFindings("The service gave no answer to look into.");
  showNotice(byId("advice-error"), ...[el("p", {}, el("strong", {}, `No answer. ${status}`), error.message), fields].filter(Boolean));
  conclude([...said, "The service gave no advice. That does not mean approval."].join(" "));
}

/** Show that something is awaited, or with an empty text that nothing is. */
export function showProgress(text) {
  byId("progress").hidden = !text;
  byId("progress-text").textContent = text;
}

function showFindings(text) {
  byId("findings").replaceChildren(el("p", { className: "muted" }, text));
}
