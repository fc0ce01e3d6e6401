// The form: a login at the EHR, its record, the questions that matter now, and advice that follows each answer.

import { uuid } from "./demo-api.js";
import { byId, showNotice } from "./demo-dom.js";
import { AdviceError, ask, showAdvice } from "./form-advice.js";
import { Implant } from "./form-implant.js";
import { LoginError, begin, takeUp } from "./form-login.js";
import { Questions } from "./form-questions.js";
import { bannerOf, contextOf, openOrders, readOrder, readRecord } from "./form-record.js";
import { Saving } from "./form-saving.js";

const config = JSON.parse(byId("form").dataset.config);
const texts = JSON.parse(byId("form").dataset.texts);

async function start() {
  try {
    await (config.step === "launch" ? begin(config) : open());
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  byId("progress").textContent = "";
  const said = error instanceof LoginError ? [texts[error.reason], error.said && `(${error.said})`] : [error.message];
  const again = error instanceof LoginError ? texts.reopen : "";
  showNotice(byId("problem"), [...said, again].filter(Boolean).join(" "));
}

async function open() {
  const client = await takeUp(config);
  const { patient } = client;
  if (!patient.id) {
    throw new LoginError("no_patient");
  }
  byId("progress").textContent = texts.reading;
  const context = client.state.tokenResponse.appContext ?? config.context;
  const [prefetch, order] = await Promise.all([
    readRecord(client, config, patient.id),
    readOrder(client, contextOf(context).order),
  ]);
  byId("patient").textContent = bannerOf(prefetch.patient);
  const named = contextOf(context).order;
  const orders = named ? [order].filter(Boolean) : openOrders(prefetch);
  if (!named && !orders.length) {
    throw new Error(texts.no_order);
  }
  const form = new Form(client, { context, prefetch, orders });
  await form.refresh();
  byId("progress").textContent = "";
  form.questions.focusOpen();
}

/** The form as it stands; each change is asked about anew, and only the newest answer counts. */
class Form {
  constructor(client, { context, prefetch, orders }) {
    this.client = client;
    this.context = context;
    this.prefetch = prefetch;
    this.orders = orders;
    this.asked = 0;
    this.questions = new Questions(byId("questions"), texts, (item) => this.changed(item));
    this.implant = new Implant(
      () => this.saving.hold(),
      () => this.refresh(),
    );
    this.saving = new Saving(client, config.writes, texts, (isSaving) => {
      this.questions.lock(isSaving);
      this.implant.lock(isSaving);
    });
  }

  body() {
    return {
      hook: "order-sign",
      hookInstance: uuid(),
      context: {
        userId: userOf(this.client),
        patientId: this.client.patient.id,
        draftOrders: { resourceType: "Bundle", type: "collection", entry: this.orders.map((resource) => ({ resource })) },
      },
      prefetch: this.prefetch,
      form: { context: this.context, answers: this.questions.answers, implant: this.implant.said() },
    };
  }

  async changed(item) {
    await this.refresh();
    // Who has gone on to another question or field meanwhile would answer the wrong one with the next key.
    if (!this.questions.awaitsFocus(item)) {
      return;
    }
    if (!this.questions.focusOpen() && !byId("save").hidden) {
      byId("save").focus();
    }
  }

  async refresh() {
    this.asked += 1;
    const mine = this.asked;
    this.saving.hold();
    let advice;
    try {
      advice = await ask(this.body());
    } catch (error) {
      if (mine === this.asked && error instanceof AdviceError) {
        // What was answered stays in sight: it must be given again.
        byId("stale").hidden = false;
        fail(error);
        return;
      }
      throw error;
    }
    if (mine !== this.asked) {
      return;
    }
    byId("stale").hidden = advice !== null;
    if (advice) {
      byId("asked").hidden = false;
      this.show(advice);
    } else if (byId("asked").hidden) {
      throw new Error(texts.unreachable_at_first);
    }
  }

  show(advice) {
    showAdvice(advice);
    this.questions.show(advice.answered, advice.open);
    byId("none-open").hidden = this.questions.items().length > 0;
    byId("keys").hidden = !byId("none-open").hidden;
    this.implant.show(advice);
    this.saving.take({ ...advice, implantTyped: this.implant.said() !== null });
  }
}

/** Return who is logged in, as a reference; empty where the EHR does not tell. */
function userOf(client) {
  return String(client.user?.fhirUser ?? "").split("/").slice(-2).join("/");
}

start();
