// A draft order in the few words of an address: "own.0,priority.stat,answer.therapy.yes,unselected".
//
// The first word says what it is: the chart's own order of that place, or something that can be ordered. The others say
// what is changed of it. What has no id here, such as a note in somebody's own words, is left out.

/** Return an order in those words. */
export function changesOf(resource, selected, { ordered, setup }) {
  const place = ordered.findIndex((own) => own.id === resource.id && own.resourceType === resource.resourceType);
  const own = ordered[place] ?? {};
  const study = idOf(resource, setup.orderables);
  const words = [place >= 0 ? `own.${place}` : `new.${study}`];
  const say = (key, value, usual) => value && value !== usual && words.push(`${key}.${value}`);
  if (place >= 0) {
    say("study", study, idOf(own, setup.orderables));
  } else {
    say("written", dayOf(resource), "");
    (resource.reasonCode ?? []).forEach((reason) => say("reason", sameCoding(reason, setup.reasons, "concept"), ""));
  }
  say("priority", resource.priority ?? "routine", own.priority ?? "routine");
  say("due", resource.occurrenceDateTime?.slice(0, 10), own.occurrenceDateTime?.slice(0, 10));
  const known = answersIn(own.note, setup.answers);
  answersIn(resource.note, setup.answers).filter((id) => !known.includes(id)).forEach((id) => say("answer", id, ""));
  if (!selected) {
    words.push("unselected");
  }
  return words.join(",");
}

/** Return the order that such words name, and whether it is selected; null where they name none. */
export function orderFrom(said, position, { ordered, setup, context }) {
  const [what, ...changes] = said.split(",").map((word) => [word.split(".")[0], word.slice(word.indexOf(".") + 1)]);
  const all = (key) => changes.filter(([name]) => name === key).map(([, value]) => value);
  const study = (id) => setup.orderables.find((orderable) => orderable.id === id);
  const made = what[0] === "own" ? ordered[Number(what[1])] : started(study(what[1]), position, context, all, setup);
  if (!made) {
    return null;
  }
  const resource = structuredClone(made);
  const [code, priority, due] = [study(all("study")[0])?.code, all("priority")[0], all("due")[0]];
  const notes = all("answer").filter((id) => Object.hasOwn(setup.answers, id)).map((id) => noteOf(id, setup, context));
  Object.assign(
    resource,
    code && { code },
    priority && { priority },
    due && { occurrenceDateTime: due },
    notes.length && { note: [...(resource.note ?? []), ...notes] },
  );
  return { resource, selected: !changes.some(([name]) => name === "unselected") };
}

function started(orderable, position, context, all, setup) {
  if (!orderable) {
    return null;
  }
  const reasons = all("reason").map((id) => setup.reasons.find((reason) => reason.id === id)?.concept).filter(Boolean);
  return newOrder(orderable, { reasons, written: all("written")[0] ?? setup.today, context, id: `demo-draft-linked-${position}` });
}

/** Return an order of something that can be ordered, as an EHR would begin it. */
export function newOrder({ resourceType, code }, { reasons, written, context, id }) {
  const { patientId, encounterId, userId } = context;
  return {
    resourceType,
    ...(id ? { id } : {}),
    status: "draft",
    intent: "order",
    priority: "routine",
    [resourceType === "MedicationRequest" ? "medicationCodeableConcept" : "code"]: code,
    subject: { reference: `Patient/${String(patientId).replace(/^Patient\//, "")}` },
    ...(encounterId ? { encounter: { reference: `Encounter/${encounterId}` } } : {}),
    authoredOn: written,
    requester: { reference: userId },
    ...(reasons.length ? { reasonCode: reasons } : {}),
  };
}

function idOf(resource, orderables) {
  return sameCoding(resource.code ?? resource.medicationCodeableConcept, orderables, "code");
}

/** Return the id of the first offer that shares a coding with a concept. */
function sameCoding(concept, offers, part) {
  const keys = new Set((concept?.coding ?? []).map(({ system, code }) => `${system}|${code}`));
  const fits = (offer) => offer[part].coding.some(({ system, code }) => keys.has(`${system}|${code}`));
  return offers.find(fits)?.id ?? "";
}

function dayOf(resource) {
  return String(resource.authoredOn ?? "").slice(0, 10);
}

/** Return the ids of the answers in fixed words that notes hold; one that names a record is not among them. */
function answersIn(notes, answers) {
  const text = (notes ?? []).map((note) => `. ${note?.text ?? ""}`).join(" ");
  return Object.keys(answers).filter((id) => text.includes(`. ${answers[id]} (asked `));
}

function noteOf(id, { answers, today, todayInWords }, { userId }) {
  return { text: `${answers[id]} (asked ${todayInWords}).`, time: today, authorReference: { reference: userId } };
}
