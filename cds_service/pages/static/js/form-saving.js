// Saving: a QuestionnaireResponse in the EHR where the form may write one, and fixed words to copy where it may not.

import { byId } from "./demo-dom.js";
import { mayCreate } from "./form-scopes.js";

/** What becomes of the answers; `onSaving` is called with true when they are sent, with false where that failed. */
export class Saving {
  constructor(client, writes, texts, onSaving) {
    this.client = client;
    this.texts = texts;
    this.onSaving = onSaving;
    this.advice = null;
    this.isSaving = false;
    // A server that names no scopes has granted what was asked for (RFC 6749, 5.1).
    this.may = mayCreate(client.state.tokenResponse?.scope ?? client.state.scope, writes);
    byId("save").hidden = !this.may;
    byId("save").addEventListener("click", () => this.save());
    byId("copy").addEventListener("click", () => this.copy());
  }

  /** Neither save nor copy what is no longer what the form says. */
  hold() {
    byId("save").disabled = true;
    byId("copy").disabled = true;
    byId("copied").textContent = "";
  }

  /** Take what would be saved now. */
  take(advice) {
    this.advice = advice;
    byId("save").disabled = !advice.response || this.isSaving;
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
    // What is answered while the EHR takes the form would look saved, and is not.
    this.isSaving = true;
    this.onSaving(true);
    try {
      await this.client.create(response);
    } catch {
      this.isSaving = false;
      this.onSaving(false);
      byId("saved").textContent = "";
      byId("save").disabled = false;
      this.byHand("refused");
      return;
    }
    byId("by-hand").hidden = true;
    byId("save").hidden = true;
    byId("saved").textContent = this.texts.saved;
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
