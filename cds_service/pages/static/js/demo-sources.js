// The data sources of the chart, and what a tester takes away from them.

import { byId } from "./demo-dom.js";

const FAILED = {
  resourceType: "OperationOutcome",
  issue: [{ severity: "error", code: "exception", diagnostics: "The demo EHR was told to let this search fail." }],
};
const EMPTY = { resourceType: "Bundle", type: "searchset", total: 0 };
const ANSWERS = "questionnaireResponses";
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
    this.filed = 0;
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
      this.control(key).value = states[key] ?? this.usual(key);
    }
    this.mark();
    if (tell) {
      this.onChange();
    }
  }

  /** Return what was changed, as [key, state]. */
  changes() {
    const changed = this.keys.filter(({ key }) => this.control(key).value !== this.usual(key));
    return changed.map(({ key }) => [key, this.control(key).value]);
  }

  /** Change what pairs of a key and a state say; others than those on offer are passed over. */
  restore(changes) {
    for (const [key, state] of changes) {
      const option = this.keys.some((known) => known.key === key) && this.control(key).querySelector(`[value="${CSS.escape(state ?? "")}"]`);
      if (option && !option.disabled) {
        this.control(key).value = state;
      }
    }
    this.mark();
  }

  /** Keep an answer in the chart, under an id as an EHR gives one; return a sentence about it. */
  file(response) {
    this.filed += 1;
    const id = `demo-answer-${this.filed}`;
    const chart = this.prefetch[ANSWERS] ?? EMPTY;
    const entry = [...(chart.entry ?? []), { resource: { ...response, id }, search: { mode: "match" } }];
    const unknown = !(ANSWERS in this.prefetch);
    this.prefetch = { ...this.prefetch, [ANSWERS]: { ...chart, total: entry.length, entry } };
    const control = this.control(ANSWERS);
    control.querySelector("[value=present]").disabled = false;
    if (unknown) {
      control.value = "present";
    }
    const lost = control.value === "present" ? "" : `, which is not sent as long as ${ANSWERS} is taken away`;
    return `The answer is in the chart as QuestionnaireResponse/${id}${lost}.`;
  }

  usual(key) {
    return key in this.prefetch ? "present" : "absent";
  }

  changed() {
    this.mark();
    this.onChange();
  }

  mark() {
    const changed = this.changes().length;
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
