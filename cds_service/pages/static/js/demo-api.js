// Calls to the service. A failed call is told in the words of its OperationOutcome.

const PATIENCE = 30_000; // ms

/** A call that was answered with an error, or not at all; `exchange` is set where there was an answer. */
export class CallError extends Error {
  constructor(message, fields = [], exchange = null) {
    super(message);
    this.fields = fields;
    this.exchange = exchange;
  }
}

/** Return a random UUID, also where a page without https has no crypto.randomUUID. */
export function uuid() {
  if (crypto.randomUUID) {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Post a body, a string sent as it is; return everything about the exchange, whatever the status. */
export async function exchange(path, body, token = "") {
  // The mark keeps calls about invented patients apart from real ones in the insights.
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-Lumbar-CDS-Demo": "1" };
  if (token) {
    headers.Authorization = `Bearer ${token}`;
  }
  const began = performance.now();
  let response;
  let text;
  try {
    response = await fetch(path, { method: "POST", headers, body, signal: AbortSignal.timeout(PATIENCE) });
    text = await response.text();
  } catch (error) {
    const late = error.name === "TimeoutError";
    throw new CallError(late ? "The service did not answer within 30 seconds." : "The service could not be reached.");
  }
  return {
    path,
    body,
    text,
    ok: response.ok,
    status: response.status,
    statusText: response.statusText,
    milliseconds: performance.now() - began,
    phases: phasesOf(response.headers.get("Server-Timing") ?? ""),
    json: parsed(text),
    withToken: Boolean(token),
  };
}

/** Throw a CallError that says what an exchange was refused for. */
export function refuse(done) {
  const issues = done.json?.resourceType === "OperationOutcome" ? (done.json.issue ?? []) : [];
  const said = issues.map((issue) => issue.details?.text ?? issue.diagnostics ?? issue.code).join(" ");
  const fields = issues.flatMap((issue) => issue.expression ?? []);
  throw new CallError(said || `The service answered ${done.status} ${done.statusText}`.trim(), fields, done);
}

/** Post to an address of this page; return the answer's JSON. */
export async function ask(path, body) {
  const done = await exchange(path, body);
  return done.ok ? done.json : refuse(done);
}

/** Get JSON from an address of this page. */
export async function load(path) {
  let response;
  try {
    response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    throw new CallError("The service could not be reached.");
  }
  const json = parsed(await response.text());
  return response.ok ? json : refuse({ json, status: response.status, statusText: response.statusText });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Return the phases of a Server-Timing header as [name, milliseconds]. */
function phasesOf(header) {
  return header
    .split(",")
    .map((part) => /^\s*([\w-]+)\s*;\s*dur=([\d.]+)/.exec(part))
    .filter(Boolean)
    .map(([, name, duration]) => [name, Number(duration)]);
}
