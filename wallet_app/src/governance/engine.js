// The governance engine on the phone: a framework and a question in, yes or no out, with the
// same rule ids and reasons as governance/engine.py. It works on the document itself.
//
// Nothing is allowed that no rule allows: every path that finds no rule ends in a no. Time is
// an argument; days are those of UTC.

import { rulesOf } from "./rules.js";

/** @import { AskQuery, Check, CredentialAsk, Decision, IssueQuery, Predicate } from "./types" */
/** @import { CredentialRule, Participant, PredicateRule, Role, Rules, Variant } from "./types" */
/** @typedef {{participant: Participant, role: Role}[]} Standing */

const DAY = 86_400_000;

class Denied extends Error {
  constructor(/** @type {string} */ rule, /** @type {string} */ reason) {
    super(reason);
    this.rule = rule;
    this.reason = reason;
  }
}

/**
 * May this DID issue this credential now, under this definition? Without one: may it make one?
 * Throws Untrusted, step `form`, if the framework is unusable as a whole.
 * @param {unknown} framework the document
 * @param {IssueQuery} query
 * @param {Date} asOf
 * @returns {Decision}
 */
export function decideIssue(framework, query, asOf) {
  const rules = rulesOf(framework);
  return decided(() => issueRules(rules, query, asOf.getTime()));
}

/**
 * May this DID ask a holder for exactly these things for this purpose? With `check`, only that
 * one is looked at. Throws Untrusted, step `form`, if the framework is unusable as a whole.
 * @param {unknown} framework the document
 * @param {AskQuery} query
 * @param {Date} asOf
 * @returns {Decision}
 */
export function decideAsk(framework, query, asOf) {
  const rules = rulesOf(framework);
  return decided(() => askRules(rules, query, asOf.getTime()));
}

/** @type {(find: () => string[]) => Decision} */
const decided = (find) => {
  try {
    return { permit: true, rules: find() };
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return { permit: false, rule: error.rule, reason: error.reason };
  }
};

/** @type {(rules: Rules, query: IssueQuery, asOf: number) => string[]} */
const issueRules = (rules, { issuer, credential, definitionId }, asOf) => {
  if (!rules.credentials.has(credential)) throw new Denied("credentials", "unknown-credential");
  const standing = standingOf(rules, issuer, asOf);
  const byRole = entitled(standing, "issue", credential, "credential-not-allowed");
  if (definitionId === null || definitionId === undefined) return byRole;
  const grant = rules.grants.get(definitionId);
  if (!grant || grant.participant !== issuer || grant.credential !== credential) {
    throw new Denied("grants", "not-granted");
  }
  if (grant.withdrawnFrom !== null && grant.withdrawnFrom <= asOf) throw new Denied(grant.ruleId, "withdrawn");
  if (asOf < grant.starts) throw new Denied(grant.ruleId, "not-yet-valid");
  if (grant.until !== null && grant.until <= asOf) throw new Denied(grant.ruleId, "grant-ended");
  return [...byRole, grant.ruleId];
};

/**
 * The entries under which a DID may act now, each with its role.
 * @type {(rules: Rules, did: string, asOf: number) => Standing}
 */
const standingOf = (rules, did, asOf) => {
  const entries = rules.participants.filter((each) => each.did === did);
  const known = entries.flatMap((participant) => {
    const role = rules.roles.get(participant.role);
    return role ? [{ participant, role }] : [];
  });
  const [first] = known;
  if (!first) throw new Denied("participants", "unknown-participant");
  const current = known.filter(
    ({ participant: { starts, until } }) => starts <= asOf && (until === null || asOf < until),
  );
  if (current.length === 0) throw new Denied(first.participant.ruleId, "participant-not-current");
  return current;
};

/**
 * The rules by which one of the entries has a right to something; `reason` is that of a no.
 * @type {(standing: Standing, right: "issue" | "ask", what: string, reason: string) => string[]}
 */
const entitled = (standing, right, what, reason) => {
  const found = standing.find(({ role }) => role[right].includes(what));
  const { participant } = /** @type {Standing[0]} */ (found ?? standing[0]);
  const rule = `roles/${participant.role}/${right}`;
  if (!found) throw new Denied(rule, reason);
  return [participant.ruleId, rule];
};

/** @type {(rules: Rules, query: AskQuery, asOf: number) => string[]} */
const askRules = (rules, { asker, purpose, ask, check: only }, asOf) => {
  const standing = standingOf(rules, asker, asOf);
  const checks = [...rules.checks.values()].filter((each) => each.purpose === purpose);
  if (checks.length === 0) throw new Denied("checks", "unknown-purpose");
  const byRole = entitled(standing, "ask", purpose, "purpose-not-allowed");
  requireWellFormed(ask.asks);
  const looked = only === undefined ? checks : checks.filter((each) => each.name === only);
  return [...byRole, fitting(rules, looked, ask.asks, asOf)];
};

/**
 * A request for nothing, or one that names a credential or a predicate twice, is refused. Each
 * predicate counts once: many bounds on one attribute in one request would measure it.
 * @param {CredentialAsk[]} asks
 */
function requireWellFormed(asks) {
  if (asks.length === 0 || asks.some((each) => each.reveal.length + each.predicates.length === 0)) {
    throw new Denied("checks", "empty-request");
  }
  if (isRepeated(asks.map((each) => each.label))) throw new Denied("checks", "repeated-credential");
  const kinds = asks.map((each) => each.predicates.map((one) => `${one.operator} ${one.attribute}`));
  if (kinds.some(isRepeated)) throw new Denied("checks", "predicate-not-allowed");
}

/** @type {(texts: string[]) => boolean} */
const isRepeated = (texts) => new Set(texts).size !== texts.length;

/**
 * The rule id of the first variant that the request fits inside; else the nearest miss counts.
 * @type {(rules: Rules, checks: Check[], asks: CredentialAsk[], asOf: number) => string}
 */
const fitting = (rules, checks, asks, asOf) => {
  let nearest = { stage: -1, denied: new Denied("checks", "credential-not-allowed") };
  for (const check of checks) {
    for (const [name, variant] of check.variants) {
      const ruleId = `checks/${check.name}/${name}`;
      const miss = misfit(rules, variant, asks, asOf, ruleId);
      if (!miss) return ruleId;
      if (miss.stage > nearest.stage) nearest = miss;
    }
  }
  throw nearest.denied;
};

/**
 * What the request asks beyond the variant: credentials, then attributes, then predicates. A
 * later stage is a nearer miss.
 * @param {Rules} rules
 * @param {Variant} variant
 * @param {CredentialAsk[]} asks
 * @param {number} asOf
 * @param {string} ruleId
 */
function misfit(rules, variant, asks, asOf, ruleId) {
  const miss = (/** @type {number} */ stage, /** @type {string} */ reason, rule = ruleId) => ({
    stage,
    denied: new Denied(rule, reason),
  });
  const known = [...rules.schemas].filter(([name]) => rules.credentials.has(name)).map(([, id]) => id);
  if (!asks.every((each) => known.includes(each.schemaId))) return miss(0, "unknown-credential", "schemas");
  const pairs = asks.flatMap((ask) => {
    const rule = variant.get(ask.label);
    return rule && isFor(rules, rule, ask) ? [{ ask, rule }] : [];
  });
  if (pairs.length !== asks.length) return miss(0, "credential-not-allowed");
  if (!pairs.every(({ ask, rule }) => ask.reveal.every((each) => rule.reveal.includes(each)))) {
    return miss(1, "attribute-not-allowed");
  }
  const within = pairs.every(({ ask, rule }) =>
    ask.predicates.every((asked) => rule.predicates.some((allowed) => isAllowed(allowed, asked, asOf))),
  );
  return within ? null : miss(2, "predicate-not-allowed");
}

/** @type {(rules: Rules, rule: CredentialRule, ask: CredentialAsk) => boolean} */
const isFor = ({ credentials, schemas }, { credential }, { schemaId }) =>
  credentials.has(credential) && schemas.get(credential) === schemaId;

/** @type {(rule: PredicateRule, asked: Predicate, asOf: number) => boolean} */
const isAllowed = ({ attribute, operator, value }, asked, asOf) => {
  if (attribute !== asked.attribute || operator !== asked.operator) return false;
  if (typeof value === "number") return asked.value === value;
  if (value === "$today") return isAbout(asked.value, asOf);
  return Number.isInteger(asked.value) && value.minimum <= asked.value && asked.value <= value.maximum;
};

/**
 * Whether YYYYMMDD is today, or the day before or after: desks are in many time zones.
 * @type {(dateint: number, asOf: number) => boolean}
 */
const isAbout = (dateint, asOf) => {
  const days = [-DAY, 0, DAY].map((shift) => new Date(asOf + shift).toISOString().slice(0, 10));
  return days.some((day) => Number(day.replaceAll("-", "")) === dateint);
};
