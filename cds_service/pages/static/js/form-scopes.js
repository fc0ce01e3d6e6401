// What the form asks an EHR for, and whether what it was given lets it save.

/** Return the scopes to ask for, in the style that the server says it knows: `.rs` of SMART 2, else `.read` of SMART 1. */
export function wantedScopes(reads, writes, capabilities, fromEhr) {
  const second = capabilities.includes("permission-v2");
  const read = reads.map((type) => `patient/${type}.${second ? (type === "Patient" ? "r" : "rs") : "read"}`);
  const write = `patient/${writes}.${second ? "c" : "write"}`;
  return [fromEhr ? "launch" : "launch/patient", "openid", "fhirUser", ...read, write].join(" ");
}

/** Whether granted scopes let a resource type be created: `patient/…` or `user/…`, in either style, for it or for all. */
export function mayCreate(granted, type) {
  return String(granted ?? "")
    .split(/\s+/)
    .some((scope) => {
      const [, of, may] = /^(?:patient|user)\/([A-Za-z]+|\*)\.([a-z*]+)(?:\?.*)?$/.exec(scope) ?? [];
      return (of === type || of === "*") && (may === "write" || may === "*" || /^cr?u?d?s?$/.test(may));
    });
}
