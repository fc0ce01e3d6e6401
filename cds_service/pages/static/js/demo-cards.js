// Cards as an EHR shows them.

import { el, freshId, showServerHtml } from "./demo-dom.js";

const WORDS = { info: "Information", warning: "Warning", critical: "Critical" };

/**
 * Return the element of a card: what a clinician sees, and collapsed below it why. `html` is its detail as the service
 * has cleaned it, `why` its explanation as the service has made it; `act.accept(card, suggestion)` and
 * `act.dismiss(card, reason, comment)` are called when the user decides, `act.open(link)`, where forms can be opened.
 */
export function cardElement(card, { html, why }, act) {
  const title = freshId("card");
  const indicator = Object.hasOwn(WORDS, card.indicator) ? card.indicator : "info";
  const body = el("div", { className: "body" });
  showServerHtml(body, html);
  return el(
    "article",
    { className: `card ${indicator}`, "aria-labelledby": title },
    el(
      "header",
      {},
      el("span", { className: "level" }, WORDS[indicator]),
      el("h3", { id: title, className: "summary" }, card.summary),
    ),
    html ? body : null,
    suggestions(card, act),
    forms(card, act),
    dismissal(card, act),
    explanation(card, why),
  );
}

/** What is behind the card: the rules and what was found for this patient, links, and the source. */
function explanation(card, why) {
  const found = el("div", { className: "explanation" });
  showServerHtml(found, why);
  return el(
    "details",
    { className: "why quiet" },
    el("summary", {}, "Why, and sources"),
    found,
    links(card),
    footer(card),
  );
}

/** The links that open an app inside the EHR. */
function forms(card, act) {
  const launched = (card.links ?? []).filter((link) => link.type === "smart");
  if (!launched.length || !act.open) {
    return null;
  }
  const buttons = launched.map((link) => {
    const button = el("button", { type: "button", className: "small" }, link.label);
    button.addEventListener("click", () => act.open(link));
    return button;
  });
  return el("div", { className: "actions forms" }, ...buttons);
}

function suggestions(card, act) {
  const offered = card.suggestions ?? [];
  if (!offered.length) {
    return null;
  }
  const one = card.selectionBehavior === "at-most-one" && offered.length > 1;
  const items = offered.map((suggestion) => {
    const button = el("button", { type: "button", className: `small${suggestion.isRecommended ? "" : " outline"}` }, suggestion.label);
    button.addEventListener("click", () => act.accept(card, suggestion));
    const actions = (suggestion.actions ?? []).map((action) => el("li", {}, action.description ?? action.type));
    return el(
      "div",
      { className: "suggestion" },
      el("div", { className: "offer" }, button, suggestion.isRecommended ? el("span", { className: "chip good" }, "recommended") : null),
      el("ul", {}, ...actions),
    );
  });
  return el("div", { className: "actions" }, one ? el("p", { className: "muted" }, "At most one of these:") : null, ...items);
}

function links(card) {
  const known = (card.links ?? []).filter((link) => link.type !== "smart" && /^https:\/\//i.test(link.url ?? ""));
  if (!known.length) {
    return null;
  }
  const items = known.map((link) => el("a", { href: link.url, rel: "noopener noreferrer", target: "_blank" }, link.label));
  return el("p", { className: "card-links" }, ...items);
}

/** The way to dismiss a card, with a reason from its list, and a comment. */
function dismissal(card, act) {
  const reasons = card.overrideReasons ?? [];
  const choose = freshId("reason");
  const say = freshId("comment");
  const menu = el("select", { id: choose }, el("option", { value: "" }, "No reason given"));
  reasons.forEach((reason, position) => menu.append(el("option", { value: String(position) }, reason.display ?? reason.code)));
  const comment = el("textarea", { id: say, rows: 2, autocomplete: "off" });
  const button = el("button", { type: "button", className: "small" }, "Dismiss this card");
  button.addEventListener("click", () => act.dismiss(card, reasons[Number(menu.value || -1)] ?? null, comment.value.trim()));
  return el(
    "details",
    { className: "dismissal quiet" },
    el("summary", {}, "Dismiss"),
    el("label", { htmlFor: choose }, "Why the advice is not followed"),
    menu,
    el("label", { htmlFor: say }, "Comment"),
    comment,
    button,
  );
}

function footer(card) {
  const { label = "", url = "" } = card.source ?? {};
  const name = /^https:\/\//i.test(url) ? el("a", { href: url, rel: "noopener noreferrer", target: "_blank" }, label) : label;
  return el("footer", {}, el("p", {}, "Source: ", name));
}
