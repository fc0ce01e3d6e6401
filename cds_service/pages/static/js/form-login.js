// The login at the EHR: begun by a launch, and taken up when the browser comes back with a code.
//
// The library draws the state, makes the PKCE challenge and trades the code for a token; it keeps them in
// sessionStorage, which is gone with the window. Checked here is what it does not know: whose servers these may be.

import { wantedScopes } from "./form-scopes.js";

/** A login that must not go on; `reason` names the sentence that says why. */
export class LoginError extends Error {
  constructor(reason, said = "") {
    super(reason);
    this.reason = reason;
    this.said = said;
  }
}

/** Send the browser to the EHR's login. */
export async function begin({ issuer, launch, clientId, redirect, reads, writes }) {
  // The library lets an address overrule what it is told: which server, which client, even which patient.
  history.replaceState(null, "", location.pathname);
  const known = await configuration(issuer);
  await window.FHIR.oauth2.authorize({
    iss: issuer,
    launch: launch || undefined,
    clientId,
    redirectUri: redirect,
    scope: wantedScopes(reads, writes, known.capabilities ?? [], Boolean(launch)),
    pkceMode: "required",
    completeInTarget: true,
  });
}

/** Return the FHIR client of a login that was begun in this window, at a server that may launch this form. */
export async function takeUp({ issuers }) {
  const address = new URL(location.href);
  if (address.searchParams.has("error")) {
    throw new LoginError("not_let_in", address.searchParams.get("error"));
  }
  const key = address.searchParams.get("state") ?? JSON.parse(sessionStorage.getItem("SMART_KEY") ?? "null");
  const begun = key ? JSON.parse(sessionStorage.getItem(key) ?? "null") : null;
  if (!begun) {
    throw new LoginError("wrong_state");
  }
  if (!issuers.includes(String(begun.serverUrl).replace(/\/$/, ""))) {
    sessionStorage.removeItem(key);
    throw new LoginError("wrong_issuer");
  }
  try {
    return await window.FHIR.oauth2.ready();
  } catch (error) {
    sessionStorage.removeItem(key);
    throw new LoginError("not_let_in", error.message);
  }
}

async function configuration(issuer) {
  try {
    const answer = await fetch(`${issuer}/.well-known/smart-configuration`, {
      headers: { Accept: "application/json" },
      credentials: "omit",
    });
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}
