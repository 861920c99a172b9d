// A framework document, read for the engine. What is malformed allows nothing: a document that
// is unusable as a whole is refused, a malformed entry is left out. Whether an item is good
// depends on that item alone, so leaving one out never allows more (governance/parsing.py).
//
// Only what bounds a request or an offer is read. What it takes to make a check (links, expected
// values) is the verifier's, and is looked at no further than that it is there.

import { demand, isDid, isObject, isText, isWhole, momentOf } from "./values.js";

/** @import { Bounds, Check, CredentialRule, Grant, Json, Participant } from "./types" */
/** @import { PredicateRule, Role, Rules, Variant } from "./types" */
/** @typedef {Map<string, Bounds>} Parameters Only an integer can bound a request. */

export const OPERATORS = [">=", ">", "<=", "<"];
export const LEAST = -(2 ** 31);
export const MOST = 2 ** 31 - 1;
const MOST_PREDICATES = 3;
const DID_URL = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+([/?#][!-~]*)?$/;
const SEMANTIC = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;
const ENDED_BECAUSE = [null, "left", "suspended"];

/** @type {WeakMap<object, Rules>} */
const known = new WeakMap();

/**
 * Throws Untrusted, step `form`, if the document is unusable as a whole.
 * @param {unknown} document
 * @returns {Rules}
 */
export function rulesOf(document) {
  demand(isObject(document), "form");
  const found = known.get(document) ?? read(document);
  known.set(document, found);
  return found;
}

/** @type {(top: Json) => Rules} */
const read = (top) => {
  demand(isText(top.format) && top.format.split(".")[0] === "2" && isVersioned(top), "form");
  demand(isDidUrl(top.id) && isDid(top.authority) && isSigners(top.signers), "form");
  demand([top.issued_at, top.expires_at].every((each) => momentOf(each) !== null), "form");
  demand(isWhole(top.revocation?.max_age_seconds, 0) && isWhole(top.validity_days, 1), "form");
  const lists = [top.languages, top.credentials, top.participants, top.grants];
  demand([...lists, top.jurisdictions, top.documents, top.endorsements].every(Array.isArray), "form");
  demand([top.roles, top.schemas, top.checks, top.revocation, top.computations].every(isObject), "form");
  // judged before anything is left out: a malformed withdrawal must not clear the way for a
  // second grant of the same definition
  demand(isUnique(top.grants, "id") && isUnique(top.grants, "definition_id"), "form");
  demand(hasFewPredicates(top.checks), "form");
  return {
    credentials: new Set(top.credentials.filter(isText)),
    roles: members(top.roles, (_, raw) => role(raw)),
    checks: members(top.checks, check),
    schemas: members(top.schemas, (_, raw) => (isText(raw) ? raw : null)),
    participants: items(top.participants, participant),
    grants: new Map(items(top.grants, grant).map((each) => [each.definitionId, each])),
  };
};

/** @type {(top: Json) => boolean} */
const isVersioned = (top) => {
  if (!isText(top.version) || !SEMANTIC.test(top.version) || !isDidUrl(top.version_id)) return false;
  const follows = top.previous === null || (isObject(top.previous) && isText(top.previous.digest));
  return isWhole(top.sequence, 1) && follows;
};

/** @type {(value: unknown) => boolean} */
const isDidUrl = (value) => isText(value) && DID_URL.test(value);

/** All of it or nothing: with a member lost, the threshold would mean something else. @type {(value: unknown) => boolean} */
const isSigners = (value) => {
  if (!isObject(value) || !Array.isArray(value.members)) return false;
  const { members: all, threshold } = value;
  return all.every(isMember) && isWhole(threshold, 1, Math.max(1, all.length));
};

/** @type {(raw: unknown) => boolean} */
const isMember = (raw) => isObject(raw) && isDid(raw.did) && momentOf(raw.from) !== null && isMomentOrNull(raw.until);

/** @type {(grants: unknown[], name: string) => boolean} */
const isUnique = (grants, name) => {
  const values = grants.filter(isObject).map((each) => each[name]);
  const texts = values.filter((each) => typeof each === "string");
  return new Set(texts).size === texts.length;
};

/** @type {(checks: Json) => boolean} */
const hasFewPredicates = (checks) => {
  const inner = (/** @type {unknown} */ raw) => (isObject(raw) ? Object.values(raw).filter(isObject) : []);
  const rules = inner(checks).flatMap((each) => inner(each.variants)).flatMap((each) => inner(each.credentials));
  return rules.every(({ predicates: each }) => !Array.isArray(each) || each.length <= MOST_PREDICATES);
};

/**
 * The good members of an object, in its order.
 * @template T
 * @param {Json} raw
 * @param {(name: string, raw: unknown) => T | null} one null: it is malformed
 * @returns {Map<string, T>}
 */
function members(raw, one) {
  /** @type {Map<string, T>} */
  const good = new Map();
  for (const [name, each] of Object.entries(raw)) {
    const made = one(name, each);
    if (made !== null) good.set(name, made);
  }
  return good;
}

/**
 * @template T
 * @param {unknown[]} raw
 * @param {(raw: unknown, index: number) => T | null} one
 * @returns {T[]}
 */
function items(raw, one) {
  return raw.map(one).flatMap((each) => (each === null ? [] : [each]));
}

/** @type {(raw: unknown) => Role | null} */
const role = (raw) => {
  if (!isObject(raw) || ![raw.issue, raw.ask, raw.compute].every(Array.isArray)) return null;
  return { issue: raw.issue, ask: raw.ask };
};

/** A time that may be null, but has to be written out. @type {(raw: unknown) => boolean} */
const isMomentOrNull = (raw) => raw === null || momentOf(raw) !== null;

/** @type {(raw: unknown, index: number) => Participant | null} */
const participant = (raw, index) => {
  if (!isObject(raw) || !isDid(raw.did) || !isText(raw.role)) return null;
  const starts = momentOf(raw.from);
  if (starts === null || !isMomentOrNull(raw.until)) return null;
  if (typeof raw.name !== "string" && !isObject(raw.name)) return null;
  if (!Array.isArray(raw.jurisdictions) || !ENDED_BECAUSE.includes(raw.ended_because)) return null;
  const ruleId = `participants/${index}`;
  return { ruleId, did: raw.did, role: raw.role, name: raw.name, starts, until: momentOf(raw.until) };
};

/** @type {(raw: unknown) => Grant | null} */
const grant = (raw) => {
  if (!isObject(raw) || !isText(raw.id) || !isDid(raw.participant)) return null;
  const starts = momentOf(raw.from);
  if (!isText(raw.credential) || !isText(raw.definition_id) || starts === null) return null;
  if (!isMomentOrNull(raw.until) || !isMomentOrNull(raw.withdrawn_from)) return null;
  return {
    ruleId: `grants/${raw.id}`,
    participant: raw.participant,
    credential: raw.credential,
    definitionId: raw.definition_id,
    starts,
    until: momentOf(raw.until),
    withdrawnFrom: momentOf(raw.withdrawn_from),
  };
};

/** @type {(name: string, raw: unknown) => Check | null} */
const check = (name, raw) => {
  if (!isObject(raw) || !isText(raw.purpose) || !isWhole(raw.retention_seconds, 0)) return null;
  if (![raw.parameters, raw.variants, raw.title, raw.description].every(isObject)) return null;
  const bounds = members(raw.parameters, (_, each) => parameter(each));
  return {
    name,
    purpose: raw.purpose,
    title: texts(raw.title),
    description: texts(raw.description),
    retentionSeconds: raw.retention_seconds,
    variants: members(raw.variants, (_, each) => variant(each, bounds)),
  };
};

/** The words in each language. @type {(raw: Json) => Record<string, string>} */
export const texts = (raw) => Object.fromEntries(Object.entries(raw).filter(([, words]) => isText(words)));

/** @type {(raw: unknown) => Bounds | null} */
const parameter = (raw) => {
  if (!isObject(raw) || raw.type !== "integer") return null;
  if (!isWhole(raw.min, LEAST, MOST) || !isWhole(raw.max, LEAST, MOST)) return null;
  return { minimum: raw.min, maximum: raw.max };
};

/** @type {(raw: unknown, bounds: Parameters) => Variant | null} */
const variant = (raw, bounds) => {
  if (!isObject(raw) || !isObject(raw.credentials) || !isObject(raw.expect)) return null;
  if (!Array.isArray(raw.equal) || raw.representative === undefined || raw.once === undefined) return null;
  return members(raw.credentials, (_, each) => credentialRule(each, bounds));
};

/** @type {(raw: unknown, bounds: Parameters) => CredentialRule | null} */
const credentialRule = (raw, bounds) => {
  if (!isObject(raw) || !isText(raw.credential)) return null;
  if (!Array.isArray(raw.reveal) || !Array.isArray(raw.predicates)) return null;
  return {
    credential: raw.credential,
    reveal: raw.reveal.filter(isText),
    predicates: items(raw.predicates, (each) => predicate(each, bounds)),
  };
};

/** `[attribute, operator, value]` @type {(raw: unknown, bounds: Parameters) => PredicateRule | null} */
const predicate = (raw, bounds) => {
  if (!Array.isArray(raw) || raw.length !== 3) return null;
  const [attribute, operator, said] = raw;
  const value = allowed(said, bounds);
  if (!isText(attribute) || !OPERATORS.includes(operator) || value === null) return null;
  return { attribute, operator, value };
};

/** @type {(value: unknown, bounds: Parameters) => PredicateRule["value"] | null} */
const allowed = (value, bounds) => {
  if (value === "$today") return value;
  if (typeof value !== "string") return isWhole(value, LEAST, MOST) ? value : null;
  return (value.startsWith("$") && bounds.get(value.slice(1))) || null;
};
