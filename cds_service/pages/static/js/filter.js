// The search over a list of <details>: <form data-filter="id-of-list"> with a search field and a counter.
// The form asks the server, which finds the same; here the list narrows while words are typed. An entry is kept when its
// head holds every word (for an entry with a table: its summary and first paragraph; else all of it), or when a row of
// its table does; then only such rows are shown.

const MOST_OPENED = 12; // more would bury the list; as on the server

/** Return the words of a query or a text, in a form in which they compare. */
function folded(text) {
  return text.toLowerCase().normalize("NFKD").replace(/\s+/g, " ").trim();
}

/** Return an entry of the list with everything that a search compares, read once. */
function indexed(item) {
  const rows = [...item.querySelectorAll("tbody tr")];
  const head = `${item.querySelector("summary").textContent} ${item.querySelector("p")?.textContent ?? ""}`;
  return {
    item,
    head: folded(rows.length ? head : item.textContent),
    rows: rows.map((row) => ({ row, text: folded(row.textContent) })),
  };
}

/** Show what fits the words in one entry; return whether anything does. */
function narrowed(entry, words) {
  const fits = (text) => words.every((word) => text.includes(word));
  const whole = fits(entry.head);
  let found = whole;
  for (const { row, text } of entry.rows) {
    // Words may be spread over the concept's name and the row, as in "pacemaker snomed".
    const kept = whole || (words.some((word) => text.includes(word)) && fits(`${entry.head} ${text}`));
    row.hidden = !kept;
    found ||= kept;
  }
  entry.item.hidden = !found;
  return found;
}

/** Make one search form answer while words are typed. */
function enable(form) {
  const list = document.getElementById(form.dataset.filter);
  const field = form.querySelector("input[type=search]");
  const count = form.querySelector("[data-filter-count]");
  const groups = [...list.querySelectorAll("[data-filter-group]")];
  const entries = [...list.querySelectorAll("[data-filter-item]")].map(indexed);
  const all = count.textContent;

  const search = () => {
    const words = folded(field.value).split(" ").filter(Boolean);
    const found = entries.filter((entry) => narrowed(entry, words));
    const open = words.length > 0 && found.length <= MOST_OPENED;
    for (const { item } of found) {
      item.open = open;
    }
    for (const group of groups) {
      group.hidden = !group.querySelector("[data-filter-item]:not([hidden])");
    }
    count.textContent = words.length ? `${found.length} of ${entries.length} ${form.dataset.filterNoun}` : all;
  };

  // A link to an entry that the search has hidden must still lead somewhere.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const item = target?.closest("[data-filter-item]");
    if (item) {
      if (item.hidden) {
        field.value = "";
        search();
      }
      item.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", reveal);
  reveal();
  // What the server has left out for the words of the query cannot be found here: it is asked again.
  if (!field.defaultValue) {
    field.addEventListener("input", search);
  }
}

for (const form of document.querySelectorAll("form[data-filter]")) {
  enable(form);
}
