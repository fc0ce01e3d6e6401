// The draft orders of the session: what is drafted, what a suggestion changes, and how that is shown.

import { el } from "./demo-dom.js";
import { noteEntry } from "./demo-note.js";

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
    this.removed = [];
    this.counted = 0;
    this.systems = {};
  }

  /** Take the entries of a Bundle; those named in `selections` are selected, or all without it. */
  load(entries, selections = null) {
    this.removed = [];
    this.drafts = entries
      .filter((entry) => entry?.resource && typeof entry.resource === "object")
      .map((entry) => {
        const known = names(entry);
        const selected = !selections || selections.some((name) => known.includes(String(name)));
        return { entry, selected, mark: "", changes: [] };
      });
    this.show();
  }

  /** Add an order that the user has entered; it alone is selected, as in an EHR where one picks an order. */
  add(resource) {
    this.settle();
    for (const draft of this.drafts) {
      draft.selected = false;
    }
    this.drafts.push({ entry: { resource: this.named(resource) }, selected: true, mark: "", changes: [] });
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
      const draft = { entry: { resource: this.named(action.resource) }, selected: true, mark: "new", changes: [] };
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

  /** Write words into an order, as a clinician types them. */
  write(draft, text) {
    this.settle();
    const { resource } = draft.entry;
    const notes = [...(resource.note ?? []), { time: new Date().toISOString(), text }];
    draft.entry = { ...draft.entry, resource: { ...resource, note: notes } };
    draft.mark = "changed";
    this.show();
    this.list.children[this.drafts.indexOf(draft)].querySelector(".note-entry > summary").focus();
    this.onChange();
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
      ...draft.changes.map((change) => el("p", { className: "draft-change" }, change)),
      noteEntry(name, (text) => this.write(draft, text)),
    );
  }
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
