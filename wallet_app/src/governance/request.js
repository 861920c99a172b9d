// The proof request in an invitation, read completely (agent/proof_format.py): what cannot be
// shown to the holder is not answered at all.

import { fromText } from "../bytes.js";
import { parseStrict } from "./canonical.js";
import { LEAST, MOST, OPERATORS } from "./rules.js";
import { demand, hasOnly, isObject, isWhole, within } from "./values.js";

/** @import { Ask, CredentialAsk, Json, Predicate } from "./types" */

const STEP = "request";

/**
 * The AnonCreds proof request attached to an out-of-band invitation (RFC 0434, 0454). Throws
 * Untrusted, step `request`.
 * @param {Json} invitation
 * @returns {Promise<unknown>}
 */
export function attachedRequest(invitation) {
  return within(STEP, () => {
    const message = only(invitation["requests~attach"]).data.json;
    const { data } = only(message["request_presentations~attach"]);
    // one of the two: an agent might read the other one
    demand((data.json === undefined) !== (data.base64 === undefined), STEP);
    return data.json ?? parseStrict(plain(data.base64));
  });
}

/** @type {(base64: string) => string} */
const plain = (base64) => new TextDecoder("utf-8", { fatal: true }).decode(fromText(base64));

/** @type {(list: any[]) => any} */
const only = (list) => {
  demand(Array.isArray(list) && list.length === 1, STEP);
  return list[0];
};

/**
 * Throws Untrusted, step `request`, unless it is in the form that the project itself writes.
 * @param {unknown} request
 * @returns {{purpose: unknown, ask: Ask}}
 */
export function readRequest(request) {
  const [attributes, predicates] = ["requested_attributes", "requested_predicates"];
  demand(hasOnly(request, "name", "version", "nonce", attributes, predicates, "non_revoked"), STEP);
  const { requested_attributes: shown, requested_predicates: proven, non_revoked: status } = request;
  demand(hasOnly(status, "from", "to") && status.from === 0 && Number.isSafeInteger(status.to), STEP);
  demand(isObject(shown) && isObject(proven), STEP);
  /** @type {Map<string, {groups: unknown[], proofs: [string, unknown][]}>} */
  const labels = new Map(Object.entries(shown).map(([label, group]) => [label, { groups: [group], proofs: [] }]));
  for (const [referent, wanted] of Object.entries(proven)) {
    const label = referent.split("/")[0] ?? "";
    const parts = labels.get(label) ?? { groups: [], proofs: [] };
    parts.proofs.push([referent, wanted]);
    labels.set(label, parts);
  }
  const asks = [...labels].map(([label, { groups, proofs }]) => credentialAsk(label, groups, proofs));
  return { purpose: request.name, ask: { asks } };
}

/**
 * One credential's part of a request: its group of names, if any, and its predicates.
 * @type {(label: string, groups: unknown[], proofs: [string, unknown][]) => CredentialAsk}
 */
const credentialAsk = (label, groups, proofs) => {
  demand(!label.includes("/"), STEP);
  demand(proofs.every(([referent], number) => referent === `${label}/${number}`), STEP);
  const wanted = proofs.map(([, each]) => each);
  const schemas = new Set([...groups, ...wanted].map(schemaOf));
  const [schemaId] = schemas;
  demand(schemaId !== undefined && schemas.size === 1, STEP);
  return { label, schemaId, reveal: groups.flatMap(namesOf), predicates: wanted.map(predicateOf) };
};

/** @type {(wanted: unknown) => string} */
const schemaOf = (wanted) => {
  demand(isObject(wanted), STEP);
  const restriction = only(wanted.restrictions);
  demand(hasOnly(restriction, "schema_id") && typeof restriction.schema_id === "string", STEP);
  return restriction.schema_id;
};

/** @type {(group: unknown) => string[]} */
const namesOf = (group) => {
  demand(hasOnly(group, "names", "restrictions") && Array.isArray(group.names), STEP);
  demand(group.names.length > 0 && group.names.every((each) => typeof each === "string"), STEP);
  return group.names;
};

/** @type {(wanted: unknown) => Predicate} */
const predicateOf = (wanted) => {
  demand(hasOnly(wanted, "name", "p_type", "p_value", "restrictions"), STEP);
  const { name: attribute, p_type: operator, p_value: value } = wanted;
  demand(typeof attribute === "string" && OPERATORS.includes(operator) && isWhole(value, LEAST, MOST), STEP);
  return { attribute, operator, value };
};
