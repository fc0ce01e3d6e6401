// The search box over a list of <details>: <form data-filter="id-of-list" hidden> with a search field and a counter.
// An entry is kept when its summary holds every word, or when a row of its table does; then only such rows are shown.
// Without this script the form stays hidden, and the browser's own search looks into the entries.

const MOST_OPENED = 12; // more would bury the list

/** Return the words of a query or a text, in a form in which they compare. */
function folded(text) {
  return text.toLowerCase().normalize("NFKD").replace(/\s+/g, " ").trim();
}

/** Return an entry of the list with everything that a search compares, read once. */
function indexed(item) {
  const rows = [...item.querySelectorAll("tbody tr")];
  const summary = item.querySelector("summary");
  return {
    item,
    head: folded(`${summary.textContent} ${item.querySelector("p")?.textContent ?? ""}`),
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

/** Make one search form work. */
function enable(form) {
  const list = document.getElementById(form.dataset.filter);
  const field = form.querySelector("input");
  const count = form.querySelector("[data-filter-count]");
  const entries = [...list.querySelectorAll("[data-filter-item]")].map(indexed);

  const search = () => {
    const words = folded(field.value).split(" ").filter(Boolean);
    const found = entries.filter((entry) => narrowed(entry, words));
    const open = words.length > 0 && found.length <= MOST_OPENED;
    for (const { item } of found) {
      item.open = open;
    }
    count.textContent = words.length ? `${found.length} of ${entries.length} concepts` : `${entries.length} concepts`;
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", search);
  // A link to a concept that the search has hidden must still lead somewhere.
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
  search();
  reveal();
}

for (const form of document.querySelectorAll("form[data-filter]")) {
  enable(form);
}
