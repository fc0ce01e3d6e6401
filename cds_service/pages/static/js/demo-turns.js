// One thing at a time: what runs locks what it depends on, and what has been overtaken is thrown away.

import { CallError } from "./demo-api.js";
import { byId } from "./demo-dom.js";
import { showFailure, showProgress } from "./demo-advice.js";

// What an answer depends on cannot be changed while it is awaited. The chooser may be used while a chart loads.
const REGIONS = ["patient", "pasted", "sources", "ordering", "cards"];
// The pressed button keeps the focus, so these are not disabled: they do nothing while something runs.
const BUTTONS = ["select", "sign", "send-pasted"];
const PATIENCE = 150; // ms before the page says that it waits

let running = null;

class Overtaken extends Error {}

/** One piece of work. `said` are sentences about what has already happened, told however the work ends. */
class Turn {
  constructor(yields) {
    this.yields = yields;
    this.said = [];
  }

  /** Return what a promise comes to, or throw its error; neither counts once the turn has been overtaken. */
  async wait(promise) {
    try {
      return await promise;
    } finally {
      this.check();
    }
  }

  check() {
    if (this !== running) {
      throw new Overtaken();
    }
  }
}

/**
 * Run `work(turn)` unless something else runs; show that it runs, and how it failed. Work that `yields`, such as
 * loading a chart, gives way to the next of its kind. Return whether it was begun.
 */
export async function take(work, { yields = false } = {}) {
  if (running && !(running.yields && yields)) {
    return false;
  }
  const turn = new Turn(yields);
  running = turn;
  const pressed = document.activeElement;
  lock(yields ? REGIONS.filter((id) => id !== "patient") : REGIONS);
  const late = setTimeout(() => turn === running && showProgress("Asking the service…"), PATIENCE);
  try {
    await work(turn);
  } catch (error) {
    if (error instanceof CallError) {
      showFailure(error, turn.said);
    } else if (!(error instanceof Overtaken)) {
      throw error;
    }
  } finally {
    clearTimeout(late);
    if (turn === running) {
      release();
      if (!yields) {
        goToAdvice(pressed);
      }
    }
  }
  return true;
}

/** Throw away the answer that is awaited: what it would answer has changed. Return whether one was awaited. */
export function overtake() {
  const awaited = running !== null;
  if (awaited) {
    release();
  }
  return awaited;
}

function release() {
  running = null;
  showProgress("");
  lock([]);
}

function lock(regions) {
  const busy = regions.length > 0;
  if (busy && byId("cards").contains(document.activeElement)) {
    byId("advice-title").focus({ preventScroll: true });
  }
  byId("ehr").setAttribute("aria-busy", String(busy));
  for (const id of REGIONS) {
    byId(id).inert = regions.includes(id);
  }
  for (const id of BUTTONS) {
    byId(id).setAttribute("aria-disabled", String(busy));
  }
}

/** Bring the keyboard to the answer, unless the user has gone elsewhere meanwhile. */
function goToAdvice(pressed) {
  if (document.activeElement === pressed || document.activeElement === document.body) {
    byId("advice-title").focus({ preventScroll: true });
  }
}
