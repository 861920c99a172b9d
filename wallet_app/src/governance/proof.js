// Data Integrity proofs with the cryptosuite eddsa-jcs-2022 (W3C "Data Integrity EdDSA
// Cryptosuites v1.0", section 3.3). An unknown member of a proof is refused: ignoring one
// (`expires`, `domain`) could only permit more.

import { verifyAsync } from "../../vendor/ed25519.js";
import { fromMultibase } from "./base58.js";
import { canonicalize, sha256 } from "./canonical.js";
import { demand, within } from "./untrusted.js";
import { isObject, momentOf } from "./values.js";

/** @typedef {import("./values.js").Json} Json */

export const PURPOSE = "assertionMethod";
const STEP = "proof";
const REQUIRED = ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"];
const ALLOWED = [...REQUIRED, "created", "@context"];

/**
 * Throws Untrusted, step `proof`, unless `proof` is one over `document` (without its member
 * `proof`) by the key `multikey`.
 * @param {Json} document
 * @param {unknown} proof
 * @param {string} multikey
 */
export async function verifyProof(document, proof, multikey) {
  await verifyOver(await unsecuredHash(document, STEP), document["@context"], proof, multikey);
}

/**
 * The hash of a document without its proof.
 * @param {Json} document
 * @param {string} step
 */
export function unsecuredHash(document, step) {
  const { proof: _, ...unsecured } = document;
  return sha256(canonicalize(unsecured, step));
}

/**
 * The same where the document's hash is known already: many may have signed a large one.
 * @param {Uint8Array} hash
 * @param {unknown} context of the document
 * @param {unknown} proof
 * @param {string} multikey
 */
export async function verifyOver(hash, context, proof, multikey) {
  demand(isUnderstood(proof) && isAsExpected(proof, context), STEP);
  const { proofValue, ...options } = proof;
  const signed = new Uint8Array([...(await sha256(canonicalize(options, STEP))), ...hash]);
  const key = await within(STEP, () => fromMultibase(multikey));
  demand(key.length === 34 && key[0] === 0xed && key[1] === 0x01, STEP); // multicodec ed25519-pub
  const holds = await within(STEP, () =>
    // as RFC 8032 wants it: keys and points in their one canonical form
    verifyAsync(fromMultibase(proofValue), signed, key.slice(2), { zip215: false }),
  );
  demand(holds, STEP);
}

/**
 * @param {unknown} proof
 * @returns {proof is Json}
 */
function isUnderstood(proof) {
  if (!isObject(proof)) return false;
  const names = Object.keys(proof);
  return REQUIRED.every((name) => names.includes(name)) && names.every((name) => ALLOWED.includes(name));
}

/**
 * Its kind, purpose and time; the contexts that it was made under are the document's.
 * @param {Json} proof
 * @param {unknown} context
 */
function isAsExpected(proof, context) {
  if (proof.type !== "DataIntegrityProof" || proof.cryptosuite !== "eddsa-jcs-2022") return false;
  if (proof.proofPurpose !== PURPOSE) return false;
  if (proof.created !== undefined && momentOf(proof.created) === null) return false;
  if (proof["@context"] === undefined) return true;
  return canonicalize(asList(proof["@context"]), STEP) === canonicalize(asList(context), STEP);
}

/**
 * The Multikey of a verification method that stands under `assertionMethod` of a DID document,
 * described there once. Throws Untrusted, step `proof`.
 * @param {Json} didDocument
 * @param {unknown} method
 * @returns {string}
 */
export function assertionKey(didDocument, method) {
  const did = didDocument.id;
  demand(typeof method === "string" && method.startsWith(`${did}#`) && method.length > did.length + 1, STEP);
  const found = assertionMethods(didDocument).filter((entry) => isNamed(entry, did, method));
  const [entry] = found;
  demand(entry && found.length === 1, STEP);
  demand(entry.type === "Multikey" && entry.controller === did, STEP);
  demand(typeof entry.publicKeyMultibase === "string", STEP);
  return entry.publicKeyMultibase;
}

/**
 * The methods under `assertionMethod`, references replaced by what they refer to.
 * @param {Json} didDocument
 * @returns {Json[]}
 */
function assertionMethods(didDocument) {
  const did = didDocument.id;
  const described = asList(didDocument.verificationMethod).filter(isObject);
  return asList(didDocument[PURPOSE]).flatMap((entry) => {
    if (isObject(entry)) return [entry];
    if (typeof entry !== "string") return [];
    const name = entry.startsWith("#") ? did + entry : entry;
    return described.filter((method) => isNamed(method, did, name));
  });
}

/**
 * @param {Json} entry
 * @param {string} did
 * @param {string} name
 */
function isNamed(entry, did, name) {
  return typeof entry.id === "string" && (entry.id === name || did + entry.id === name);
}

/**
 * @param {unknown} value
 * @returns {unknown[]}
 */
function asList(value) {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
