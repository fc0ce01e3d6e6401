// The draft orders of the session: what is drafted, what a suggestion changes, and how that is shown.

import { el } from "./demo-dom.js";

const PRESSING = new Map([["stat", "critical"], ["urgent", "warning"], ["asap", "warning"]]);

/**
 * The draft orders. `entry` gets the focus where no draft is left; `onChange` is called after each change by the user;
 * `systems` names code systems by address.
 */
export class DraftOrders {
  constructor({ list, empty, entry }, onChange) {
    this.list = list;
    this.empty = empty;
    this.entry = entry;
    this.onChange = onChange;
    this.drafts = [];
    this.loaded = [];
    this.removed = [];
    this.counted = 0;
    this.systems = {};
  }

  /** Take the entries of a Bundle; those named in `selections` are selected, or all without it. */
  load(entries, selections = null) {
    this.removed = [];
    const orders = entries
      .filter((entry) => entry?.resource && typeof entry.resource === "object")
      .map((entry, position) => {
        const known = names(entry);
        const selected = !selections || selections.some((name) => known.includes(String(name)));
        return { entry, selected, origin: `chart:${position}`, mark: "", changes: [] };
      });
    this.loaded = orders.map(({ entry, selected }) => ({ entry, selected }));
    this.drafts = orders;
    this.show();
  }

  /** Return whether the drafts are the orders that were loaded, whatever an accepted card made of them. */
  asLoaded() {
    const same = (draft, position) =>
      draft.origin === `chart:${position}` && draft.selected === this.loaded[position].selected;
    return this.drafts.length === this.loaded.length && this.drafts.every(same);
  }

  /** Return an order of the chart as it was loaded; null where there is none of that number. */
  ofChart(position, selected) {
    const found = this.loaded[position];
    return found ? { resource: null, entry: found.entry, selected, origin: `chart:${position}` } : null;
  }

  /** Put other drafts in the place of those that were loaded: orders of the chart, and resources as entered. */
  replace(drafts) {
    this.drafts = [];
    for (const { resource, entry, selected, origin } of drafts) {
      const own = entry ?? { resource: this.named(resource) };
      this.drafts.push({ entry: own, selected, origin, mark: "", changes: [] });
    }
    this.show();
  }

  /** Add an order that the user has entered; it alone is selected, as in an EHR where one picks an order. */
  add(resource, origin) {
    this.settle();
    for (const draft of this.drafts) {
      draft.selected = false;
    }
    this.drafts.push({ entry: { resource: this.named(resource) }, selected: true, origin, mark: "", changes: [] });
    this.show();
    this.onChange();
  }

  /** Return the Bundle as a hook sends it. */
  bundle() {
    return { resourceType: "Bundle", type: "collection", entry: this.drafts.map((draft) => draft.entry) };
  }

  /** Return the references of the selected orders. */
  selections() {
    return this.drafts.filter((draft) => draft.selected).map((draft) => names(draft.entry)[0]);
  }

  /** Forget what was changed, so that only the next change is marked. */
  settle() {
    this.removed = [];
    for (const draft of this.drafts) {
      draft.mark = "";
      draft.changes = [];
    }
  }

  /**
   * Apply actions together, as a FHIR transaction does: deletes, then creates, then updates. What a suggestion
   * touched is selected afterwards. Return a sentence for each action that named no order of this session.
   */
  apply(actions) {
    this.settle();
    const problems = [];
    const touched = new Set();
    const of = (type) => actions.filter((action) => action?.type === type);
    for (const action of of("delete")) {
      const target = this.find(action.resourceId ?? action.resource);
      if (target) {
        this.drafts = this.drafts.filter((draft) => draft !== target);
        this.removed.push(target);
      } else {
        problems.push("An order that was to be removed is not among the drafts.");
      }
    }
    for (const action of of("create")) {
      const draft = { entry: { resource: this.named(action.resource) }, selected: true, origin: "", mark: "new", changes: [] };
      this.drafts.push(draft);
      touched.add(draft);
    }
    for (const action of of("update")) {
      const { resourceType, id } = action.resource ?? {};
      const target = this.find(`${resourceType}/${id}`);
      if (target) {
        target.changes = differences(target.entry.resource, action.resource);
        target.entry = { ...target.entry, resource: action.resource };
        target.mark = target.changes.length ? "changed" : "";
        touched.add(target);
      } else {
        problems.push("An order that was to be changed is not among the drafts.");
      }
    }
    if (touched.size) {
      for (const draft of this.drafts) {
        draft.selected = touched.has(draft);
      }
    }
    this.show();
    return problems;
  }

  /** Remove an order as the user asks, and bring the keyboard to the next one, the last one, or order entry. */
  remove(draft) {
    const position = this.drafts.indexOf(draft);
    this.settle();
    this.drafts.splice(position, 1);
    this.show();
    const boxes = this.list.querySelectorAll("input[type=checkbox]");
    (boxes[position] ?? boxes[boxes.length - 1] ?? this.entry).focus();
    this.onChange();
  }

  /** Return the field for one note more: some EHRs let no card change an order, so its answers are typed. */
  noting(draft, name) {
    const field = el("input", { type: "text", autocomplete: "off", "aria-label": `Note on ${name}` });
    const form = el("form", { className: "noting" }, field, el("button", { type: "submit", className: "small outline" }, "Add the note"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = field.value.trim();
      if (text) {
        this.settle();
        draft.entry = { ...draft.entry, resource: noted(draft.entry.resource, text) };
        this.show();
        this.list.children[this.drafts.indexOf(draft)].querySelector(".noting-fold > summary").focus();
        this.onChange();
      }
    });
    return el("details", { className: "noting-fold quiet" }, el("summary", {}, "Type a note"), form);
  }

  find(reference) {
    return this.drafts.find((draft) => names(draft.entry).includes(String(reference)));
  }

  /** Return a resource under an id that no draft has; a created resource gets one from the EHR. */
  named(resource) {
    let id;
    do {
      this.counted += 1;
      id = `demo-draft-${this.counted}`;
    } while (this.find(`${resource.resourceType}/${id}`));
    return { ...resource, id };
  }

  show() {
    this.list.replaceChildren(...this.drafts.map((draft) => this.item(draft)), ...this.removed.map(removedItem));
    this.empty.hidden = this.drafts.length > 0;
  }

  item(draft) {
    const { resource } = draft.entry;
    const name = nameOf(resource);
    const box = el("input", { type: "checkbox", checked: draft.selected });
    box.addEventListener("change", () => {
      draft.selected = box.checked;
      this.onChange();
    });
    const remove = el("button", { type: "button", className: "small outline", "aria-label": `Remove ${name}` }, "Remove");
    remove.addEventListener("click", () => this.remove(draft));
    const priority = resource.priority ?? "routine";
    const facts = [
      el("span", { className: `chip ${PRESSING.get(priority) ?? ""}` }, priority),
      ...codesOf(resource, this.systems).map((code) => el("code", {}, code)),
    ];
    return el(
      "li",
      { className: `draft ${draft.mark}` },
      el(
        "div",
        { className: "draft-head" },
        el("label", {}, box, " ", el("strong", {}, name)),
        draft.mark && el("span", { className: "chip good mark" }, draft.mark),
        remove,
      ),
      el("p", { className: "draft-facts" }, ...facts),
      reasonsOf(resource) && el("p", { className: "draft-text" }, `Reason: ${reasonsOf(resource)}`),
      ...notesOf(resource).map((note) => el("p", { className: "draft-text" }, `Note: ${note}`)),
      this.noting(draft, name),
      ...draft.changes.map((change) => el("p", { className: "draft-change" }, change)),
    );
  }
}

/** Return a resource with one note more, as a clinician types it today. */
function noted(resource, text) {
  const notes = Array.isArray(resource.note) ? resource.note : [];
  return { ...resource, note: [...notes, { time: new Date().toISOString(), text }] };
}

function removedItem(draft) {
  return el(
    "li",
    { className: "draft removed" },
    el("div", { className: "draft-head" }, el("del", {}, nameOf(draft.entry.resource)), el("span", { className: "chip mark" }, "removed")),
  );
}

/** Return every way to name a draft, the reference first. */
function names(entry) {
  const { resourceType, id } = entry.resource;
  const own = typeof id === "string" && id ? [`${resourceType}/${id}`, id, `urn:uuid:${id}`] : [];
  return entry.fullUrl ? [...own, entry.fullUrl] : own.length ? own : [String(resourceType)];
}

function conceptOf(resource) {
  return resource.code?.concept ?? resource.code ?? resource.medicationCodeableConcept ?? {};
}

export function nameOf(resource) {
  const concept = conceptOf(resource);
  const coding = codings(concept).find((item) => item.display) ?? codings(concept)[0];
  return concept.text || coding?.display || coding?.code || `${resource.resourceType ?? "Order"} without a code`;
}

function codings(concept) {
  return Array.isArray(concept?.coding) ? concept.coding.filter((item) => item && typeof item === "object") : [];
}

function codesOf(resource, systems) {
  const known = codings(conceptOf(resource)).filter((item) => item.code);
  return known.map((item) => `${Object.hasOwn(systems, item.system) ? systems[item.system] : ""} ${item.code}`.trim());
}

function reasonsOf(resource) {
  const reasons = Array.isArray(resource.reasonCode) ? resource.reasonCode : [];
  return reasons.map((reason) => reason?.text || codings(reason).map((item) => item.display || item.code)[0]).filter(Boolean).join("; ");
}

function notesOf(resource) {
  const notes = Array.isArray(resource.note) ? resource.note : [];
  return notes.map((note) => note?.text).filter(Boolean);
}

/** Return what an update changes, in words. */
function differences(before, after) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])).map((key) => {
    if (key === "code") {
      return `code: ${nameOf(before)} → ${nameOf(after)}`;
    }
    const plain = [before[key] ?? "(none)", after[key] ?? "(none)"].every((value) => typeof value === "string");
    return plain ? `${key}: ${before[key] ?? "(none)"} → ${after[key] ?? "(none)"}` : `${key} changed`;
  });
}
