// MRI safety screening: which implant it is, in the words of its card.

import { byId, el } from "./demo-dom.js";

const PARTS = ["device", "model", "leads", "where", "udi"];
const PAUSE = 500; // ms after the last key

/** The section on an implant; `onTyping` is called with each key, `onChange` when what it says has changed. */
export class Implant {
  constructor(onTyping, onChange) {
    this.onTyping = onTyping;
    this.onChange = onChange;
    this.waiting = 0;
    for (const part of PARTS) {
      this.field(part).addEventListener("input", () => this.typed());
    }
  }

  field(part) {
    return byId(`implant-${part}`);
  }

  /** Show the section where it is wanted, with what a typed UDI says. */
  show({ implant, udi }) {
    byId("implant").hidden = !implant;
    byId("label").replaceChildren(...udi.map((text) => el("p", {}, text)));
  }

  /** Return what was typed; null for nothing. */
  said() {
    const said = Object.fromEntries(PARTS.map((part) => [part, this.field(part).value.trim()]).filter(([, text]) => text));
    return Object.keys(said).length ? said : null;
  }

  lock(isLocked) {
    for (const part of PARTS) {
      this.field(part).disabled = isLocked;
    }
  }

  typed() {
    this.onTyping();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.onChange(), PAUSE);
  }
}
