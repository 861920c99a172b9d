// Who asks and who offers, judged by this phone: the statement that came with an invitation
// (controllers/statements.py), the request in the invitation itself, and the framework. Steps:
//
//   form                the statement is one, of the right kind
//   invitation-digest   it is about the very invitation that came with it
//   request             the request in there can be shown completely
//   entry … did, proof  its issuer's DID log holds, and a key of that DID signed it
//   expires             it is still good
//   issuer, credential  it is about who and what is offered here
//   purpose, check      request, statement and framework say the same
//   may-not-ask, may-not-offer   the framework says no; `reason` says why

import { canonicalize, hex, sha256 } from "./canonical.js";
import { verifyLog } from "./didlog.js";
import { decideAsk, decideIssue } from "./engine.js";
import { assertionKey, verifyProof } from "./proof.js";
import { attachedRequest, readRequest } from "./request.js";
import { rulesOf, texts } from "./rules.js";
import { demand, isObject, isText, momentOf, Untrusted } from "./values.js";

/** @import { Asking, Decision, Json, Names, Offering, Said } from "./types" */

/**
 * Throws Untrusted.
 * @param {Said} said
 * @param {unknown} framework the verified document
 * @param {Date} asOf
 * @returns {Promise<Asking>}
 */
export async function judgeRequest({ statement, invitation, log }, framework, asOf) {
  const said = await aboutThis(statement, "HavenRequest", invitation);
  const { purpose: named, ask } = readRequest(await attachedRequest(/** @type {Json} */ (invitation)));
  await checkSaid(said, log, asOf);
  const { issuer: asker, purpose } = said;
  demand(isText(purpose) && named === purpose, "purpose");
  const check = rulesOf(framework).checks.get(said.check);
  demand(check && check.purpose === purpose && check.variants.has(said.variant), "check");
  demand(check.retentionSeconds === said.retention_seconds, "check");
  // only this check counts: its words are what the holder is shown
  const decision = decideAsk(framework, { asker, purpose, ask, check: check.name }, asOf);
  const names = nameOf(framework, permitted(decision, "may-not-ask"));
  const { title, description, retentionSeconds } = check;
  return { asker, names, purpose, ask, retentionSeconds, title, description };
}

/**
 * With a statement: who offers through the invitation. With a definition: the offer itself.
 * Throws Untrusted.
 * @param {Partial<Said> & {issuer: string, credential: string, definitionId?: string | null}} offer
 * @param {unknown} framework the verified document
 * @param {Date} asOf
 * @returns {Promise<Offering>}
 */
export async function judgeOffer(offer, framework, asOf) {
  const { statement, invitation, log, issuer, credential, definitionId = null } = offer;
  if (statement !== undefined && statement !== null) {
    const said = await aboutThis(statement, "HavenOffer", invitation);
    await checkSaid(said, log ?? "", asOf);
    demand(said.issuer === issuer, "issuer");
    demand(said.credential === credential, "credential");
  }
  demand(definitionId === null || definitionId.split("/")[0] === issuer, "issuer");
  const decision = decideIssue(framework, { issuer, credential, definitionId }, asOf);
  const names = nameOf(framework, permitted(decision, "may-not-offer"));
  return { issuer, names, credential, definitionId };
}

/**
 * The statement, if it is of this kind and speaks of this invitation.
 * @type {(statement: unknown, type: string, invitation: unknown) => Promise<Json>}
 */
const aboutThis = async (statement, type, invitation) => {
  demand(isObject(statement) && statement.type === type && isText(statement.issuer), "form");
  demand(isObject(invitation) && momentOf(statement.expires) !== null, "form");
  const digest = hex(await sha256(canonicalize(invitation)));
  demand(statement.invitation_digest === digest, "invitation-digest");
  return statement;
};

/**
 * A key of the issuer's DID signed the statement, and it is still good.
 * @type {(statement: Json, log: string, asOf: Date) => Promise<void>}
 */
const checkSaid = async (statement, log, asOf) => {
  demand(isObject(statement.proof), "proof");
  const document = await verifyLog(log, statement.issuer);
  await verifyProof(statement, statement.proof, assertionKey(document, statement.proof.verificationMethod));
  demand(asOf.getTime() < Number(momentOf(statement.expires)), "expires");
};

/** The rules of a yes; `step` is that of a no. @type {(decision: Decision, step: string) => string[]} */
const permitted = (decision, step) => {
  if (!decision.permit) throw new Untrusted(step, decision.reason);
  return decision.rules;
};

/**
 * The framework's own name of the participant that a yes rests on.
 * @type {(framework: unknown, rules: string[]) => Names}
 */
const nameOf = (framework, [first]) => {
  const name = rulesOf(framework).participants.find((each) => each.ruleId === first)?.name;
  return isObject(name) ? texts(name) : String(name);
};
