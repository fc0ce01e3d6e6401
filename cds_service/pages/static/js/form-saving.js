// Saving: a QuestionnaireResponse in the EHR where the form may write one, and fixed words to copy where it may not.

import { byId } from "./demo-dom.js";
import { mayCreate } from "./form-scopes.js";

/** What becomes of the answers; `onSaved` is called once the EHR has them. */
export class Saving {
  constructor(client, writes, texts, onSaved) {
    this.client = client;
    this.texts = texts;
    this.onSaved = onSaved;
    this.advice = null;
    this.may = mayCreate(client.state.tokenResponse?.scope, writes);
    byId("save").hidden = !this.may;
    byId("save").addEventListener("click", () => this.save());
    byId("copy").addEventListener("click", () => this.copy());
  }

  /** Take what would be saved now. */
  take(advice) {
    this.advice = advice;
    byId("save").disabled = !advice.response;
    if (!this.may) {
      this.byHand("no_scope");
    } else if (!byId("by-hand").hidden) {
      this.byHand("refused");
    }
  }

  async save() {
    const response = this.advice?.response;
    if (!response || byId("save").disabled) {
      return;
    }
    byId("save").disabled = true;
    byId("saved").textContent = this.texts.saving;
    try {
      await this.client.create(response);
    } catch {
      byId("saved").textContent = "";
      byId("save").disabled = false;
      this.byHand("refused");
      return;
    }
    byId("by-hand").hidden = true;
    byId("save").hidden = true;
    byId("saved").textContent = this.texts.saved;
    this.onSaved();
  }

  byHand(why) {
    const { words = "" } = this.advice ?? {};
    const implant = this.advice?.implantTyped ? ` ${this.texts.unsaved_implant}` : "";
    byId("by-hand-why").textContent = `${this.texts[why]}${implant}`;
    byId("words").value = words || this.texts.nothing_to_copy;
    byId("copy").disabled = !words;
    byId("by-hand").hidden = false;
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(byId("words").value);
      byId("copied").textContent = this.texts.copied;
    } catch {
      byId("words").select();
    }
  }
}
