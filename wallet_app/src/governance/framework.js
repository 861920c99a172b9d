// The signed governance framework, verified before a word of it is believed. In this order:
//
// 1. it is no larger than a phone can bear                                       size
// 2. it is not nested deeper than any framework                                  depth
// 3. it is JSON that can be read in one way only                                 json
// 4. it has the form of a framework of format 2                                  form
// 5. it is the framework, and the authority, that this app has pinned            framework
// 6. enough of those who may have signed it                                      signatures
// 7. it is no older than what was seen, and not another one of the same number   version
// 8. its time has come and is not over                                           time

import { hex, parseStrict } from "./canonical.js";
import { verifyLog } from "./didlog.js";
import { assertionKey, unsecuredHash, verifyOver } from "./proof.js";
import { rulesOf } from "./rules.js";
import { demand, isObject, isText, momentOf, Untrusted } from "./values.js";

/** @import { Json, Known, Signers, Verified } from "./types" */

export const MOST_TEXT = 16 * 1024 * 1024;
const MOST_PROOFS = 64;
const MOST_AHEAD = 300_000;

/**
 * Throws Untrusted; its step is one of the above.
 * @param {string} text
 * @param {Known} known
 * @returns {Promise<Verified>}
 */
export async function verifyFramework(text, known) {
  const { authority, seen, now } = known;
  demand(text.length <= MOST_TEXT, "size");
  const document = parseStrict(text);
  checkForm(document);
  demand(document.id === authority && document.authority === authority, "framework");
  const hash = await unsecuredHash(document, "form");
  const digest = hex(hash);
  // what was accepted once is not judged anew by the signers that it named for the next one
  if (digest !== seen?.digest) await checkSignatures(document, hash, known);
  const { sequence } = document;
  demand(!seen || sequence > seen.sequence || (sequence === seen.sequence && digest === seen.digest), "version");
  checkTime(document, now.getTime());
  const { version, issued_at: issuedAt, expires_at: expiresAt, signers } = document;
  return { framework: document, sequence, version, issuedAt, expiresAt, digest, signers };
}

/** @type {(document: unknown) => asserts document is Json} */
const checkForm = (document) => {
  rulesOf(document);
  demand(isObject(document), "form");
  const proofs = document.proof;
  demand(Array.isArray(proofs) && proofs.length <= MOST_PROOFS && proofs.every(isObject), "form");
};

/**
 * Who signed the last version that was accepted says who may sign the next: by the threshold of
 * then and that of now, so that nobody lowers it alone. The very first is believed only if the
 * pinned authority is among those who signed.
 * @param {Json} document
 * @param {Uint8Array} hash
 * @param {Known} known
 */
async function checkSignatures(document, hash, { authority, logs, seen, now }) {
  const signers = seen?.signers;
  const may = new Set(currentMembers(signers ?? document.signers, now.getTime()));
  if (signers) may.add(authority);
  const signed = new Set();
  for (const proof of document.proof) {
    const { verificationMethod: method } = proof;
    const did = isText(method) ? method.split("#")[0] : undefined;
    if (did === undefined || !may.has(did) || signed.has(did)) continue;
    if (await isGood(document, hash, proof, did, logs[did])) signed.add(did);
  }
  demand(signers || signed.has(authority), "signatures");
  demand(signed.size >= Math.max(document.signers.threshold, signers?.threshold ?? 1), "signatures");
}

/** @type {(signers: Signers, now: number) => string[]} */
const currentMembers = ({ members }, now) => {
  const current = members.filter(({ from, until }) => {
    const [starts, ends] = [momentOf(from), momentOf(until)];
    return starts !== null && starts <= now && (until === null || (ends !== null && now < ends));
  });
  return current.map((each) => each.did);
};

/**
 * A proof that does not hold counts for nothing; the others may be enough.
 * @type {(document: Json, hash: Uint8Array, proof: Json, did: string, log?: string) => Promise<boolean>}
 */
const isGood = async (document, hash, proof, did, log = "") => {
  try {
    const key = assertionKey(await verifyLog(log, did), proof.verificationMethod);
    await verifyOver(hash, document["@context"], proof, key);
    return true;
  } catch (error) {
    if (error instanceof Untrusted) return false;
    throw error;
  }
};

/** @type {(document: Json, now: number) => void} */
const checkTime = (document, now) => {
  const issued = momentOf(document.issued_at);
  const expires = momentOf(document.expires_at);
  demand(issued !== null && issued <= now + MOST_AHEAD, "time");
  demand(expires !== null && now < expires, "time");
};
