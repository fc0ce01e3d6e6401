// The data sources of the chart, and what a tester takes away from them.

import { byId } from "./demo-dom.js";

const FAILED = {
  resourceType: "OperationOutcome",
  issue: [{ severity: "error", code: "exception", diagnostics: "The demo EHR was told to let this search fail." }],
};
const EMPTY = { resourceType: "Bundle", type: "searchset", total: 0 };
const STATES = ["absent", "failed", "empty"];
const PRESETS = {
  reset: {},
  devices: { devices: "absent", deviceUseStatements: "absent" },
  conditions: { conditions: "failed" },
};

/** The switches; what they say is applied to the chart's prefetch when a hook fires. */
export class Sources {
  constructor(keys, onChange) {
    this.keys = keys;
    this.onChange = onChange;
    this.prefetch = {};
    for (const { key } of keys) {
      this.control(key).addEventListener("change", () => this.changed());
    }
    for (const button of document.querySelectorAll("button[data-sources]")) {
      button.addEventListener("click", () => this.preset(PRESETS[button.dataset.sources]));
    }
  }

  control(key) {
    return byId(`source-${key}`);
  }

  /** Take a chart's prefetch; a key that it lacks cannot be present. */
  load(prefetch) {
    this.prefetch = prefetch;
    for (const { key } of this.keys) {
      this.control(key).querySelector("[value=present]").disabled = !(key in prefetch);
    }
    this.preset({}, false);
  }

  preset(states, tell = true) {
    for (const { key } of this.keys) {
      this.control(key).value = STATES.includes(states[key]) ? states[key] : this.usual(key);
    }
    this.mark();
    if (tell) {
      this.onChange();
    }
  }

  usual(key) {
    return key in this.prefetch ? "present" : "absent";
  }

  changed() {
    this.mark();
    this.onChange();
  }

  /** Return the state of each source that is not as the chart has it. */
  changes() {
    const changed = this.keys.filter(({ key }) => this.control(key).value !== this.usual(key));
    return Object.fromEntries(changed.map(({ key }) => [key, this.control(key).value]));
  }

  /** Write a resource into the chart, where the next call brings it; return whether the chart keeps its kind. */
  record(resource) {
    const kind = this.keys.find(({ type }) => type === resource.resourceType);
    if (!kind) {
      return false;
    }
    const [before, id] = [this.prefetch[kind.key], `demo-written-${crypto.getRandomValues(new Uint32Array(1))[0]}`];
    const entry = [...(before?.entry ?? []), { resource: { ...resource, id }, search: { mode: "match" } }];
    this.prefetch = { ...this.prefetch, [kind.key]: { ...EMPTY, ...before, total: entry.length, entry } };
    this.control(kind.key).querySelector("[value=present]").disabled = false;
    this.control(kind.key).value = "present";
    this.mark();
    return true;
  }

  mark() {
    const changed = Object.keys(this.changes()).length;
    const chip = byId("sources-changed");
    chip.textContent = `${changed} changed`;
    chip.hidden = changed === 0;
  }

  /** Return the prefetch as it is sent; keys that are not the service's are sent as they came. */
  sent() {
    const known = new Set(this.keys.map(({ key }) => key));
    const sent = Object.fromEntries(Object.entries(this.prefetch).filter(([key]) => !known.has(key)));
    for (const { key, search } of this.keys) {
      const state = this.control(key).value;
      if (state === "present" && key in this.prefetch) {
        sent[key] = this.prefetch[key];
      } else if (state === "failed") {
        sent[key] = FAILED;
      } else if (state === "empty") {
        sent[key] = search ? EMPTY : null;
      }
    }
    return sent;
  }
}
