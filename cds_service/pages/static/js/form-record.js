// The record, read from the EHR as its own prefetch would bring it.

const MOST_PAGES = 10;
const OPEN = ["draft", "active", "on-hold"];

/** Return the prefetch of a patient: each template asked as it stands; what failed is told as failed, never as empty. */
export async function readRecord(client, { templates, patientToken }, patientId) {
  const asked = Object.entries(templates).map(async ([key, template]) => {
    const query = template.replaceAll(patientToken, encodeURIComponent(patientId));
    try {
      return [key, await pages(client, query)];
    } catch (error) {
      return [key, failed(error)];
    }
  });
  return Object.fromEntries(await Promise.all(asked));
}

/** Return who a patient is, in a few words: an EHR may show the form where its own banner is not. */
export function bannerOf(patient) {
  const name = patient?.name?.find(({ use }) => use === "official") ?? patient?.name?.[0] ?? {};
  const written = name.text ?? [...(name.given ?? []), name.family].filter(Boolean).join(" ");
  return [written, patient?.gender, patient?.birthDate].filter(Boolean).join(", ");
}

/** Return the order that a context names, as the EHR holds it; null where it holds none, as of a draft it may. */
export async function readOrder(client, reference) {
  if (!/^(ServiceRequest|ProcedureRequest)\/[A-Za-z0-9.-]+$/.test(reference ?? "")) {
    return null;
  }
  try {
    return await client.request(reference);
  } catch {
    return null;
  }
}

/** Return the requests of a record that are still open, for a form that no card has opened. */
export function openOrders(prefetch) {
  const found = (prefetch.serviceRequests?.entry ?? []).map((entry) => entry.resource);
  return found.filter((order) => order?.resourceType === "ServiceRequest" && OPEN.includes(order.status));
}

/** Return what a signed context says; whether it is ours is for the service to tell. */
export function contextOf(text) {
  try {
    const [, claims] = String(text).split(".");
    return JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

async function pages(client, query) {
  const first = await client.request(query);
  if (first?.resourceType !== "Bundle") {
    return first;
  }
  let last = first;
  const entry = [...(first.entry ?? [])];
  for (let count = 1; count < MOST_PAGES; count += 1) {
    const next = (last.link ?? []).find((link) => link.relation === "next")?.url;
    if (!next || !next.startsWith(client.state.serverUrl)) {
      break;
    }
    last = await client.request(next);
    entry.push(...(last.entry ?? []));
  }
  return { ...first, entry, link: last.link ?? [] };
}

function failed(error) {
  const code = error?.status === 403 || error?.status === 401 ? "forbidden" : "exception";
  return { resourceType: "OperationOutcome", issue: [{ severity: "error", code }] };
}
