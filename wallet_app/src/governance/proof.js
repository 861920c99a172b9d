// Data Integrity proofs with the cryptosuite eddsa-jcs-2022 (W3C "Data Integrity EdDSA
// Cryptosuites v1.0", section 3.3). An unknown member of a proof is refused: ignoring one
// (`expires`, `domain`) could only permit more. Every refusal has the step `proof`.

import { verifyAsync } from "../../vendor/ed25519.js";
import { fromMultibase } from "./base58.js";
import { canonicalize, sha256 } from "./canonical.js";
import { demand, isObject, isText, momentOf, within } from "./values.js";

/** @import { Json } from "./types" */

const PURPOSE = "assertionMethod";
const STEP = "proof";
const REQUIRED = ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"];
const ALLOWED = [...REQUIRED, "created", "@context"];

/**
 * Throws Untrusted unless `proof` is one over `document` (without its member `proof`) by the key.
 * @param {Json} document
 * @param {unknown} proof
 * @param {string} multikey
 */
export async function verifyProof(document, proof, multikey) {
  await verifyOver(await unsecuredHash(document, STEP), document["@context"], proof, multikey);
}

/**
 * The hash of a document without its proof.
 * @type {(document: Json, step: string) => Promise<Uint8Array>}
 */
export const unsecuredHash = ({ proof: _, ...unsecured }, step) => sha256(canonicalize(unsecured, step));

/**
 * The same where the document's hash is known already: many may have signed a large one.
 * @type {(hash: Uint8Array, context: unknown, proof: unknown, multikey: string) => Promise<void>}
 */
export const verifyOver = async (hash, context, proof, multikey) => {
  demand(isUnderstood(proof) && isAsExpected(proof, context), STEP);
  const { proofValue, ...options } = proof;
  const signed = new Uint8Array([...(await sha256(canonicalize(options, STEP))), ...hash]);
  const holds = await within(STEP, () => {
    const key = fromMultibase(multikey);
    demand(key.length === 34 && key[0] === 0xed && key[1] === 0x01, STEP); // multicodec ed25519-pub
    // keys and points in their one canonical form, as RFC 8032 wants them
    return verifyAsync(fromMultibase(proofValue), signed, key.slice(2), { zip215: false });
  });
  demand(holds, STEP);
};

/** @type {(proof: unknown) => proof is Json} */
const isUnderstood = (proof) => {
  const names = isObject(proof) ? Object.keys(proof) : [];
  return REQUIRED.every((name) => names.includes(name)) && names.every((name) => ALLOWED.includes(name));
};

/**
 * Its kind, purpose and time; the contexts that it was made under are the document's.
 * @type {(proof: Json, context: unknown) => boolean}
 */
const isAsExpected = (proof, context) => {
  if (proof.type !== "DataIntegrityProof" || proof.cryptosuite !== "eddsa-jcs-2022") return false;
  if (proof.proofPurpose !== PURPOSE) return false;
  if (proof.created !== undefined && momentOf(proof.created) === null) return false;
  if (proof["@context"] === undefined) return true;
  return canonicalize(asList(proof["@context"]), STEP) === canonicalize(asList(context), STEP);
};

/**
 * The Multikey of a verification method that stands under `assertionMethod` of a DID document,
 * described there once. Throws Untrusted.
 * @param {Json} didDocument
 * @param {unknown} method
 * @returns {string}
 */
export function assertionKey(didDocument, method) {
  const did = didDocument.id;
  demand(isText(method) && method.startsWith(`${did}#`) && method.length > did.length + 1, STEP);
  const [entry, ...more] = assertionMethods(didDocument).filter((each) => isNamed(each, did, method));
  demand(entry && more.length === 0 && entry.type === "Multikey" && entry.controller === did, STEP);
  demand(isText(entry.publicKeyMultibase), STEP);
  return entry.publicKeyMultibase;
}

/**
 * The methods under `assertionMethod`, references replaced by what they refer to.
 * @param {Json} didDocument
 * @returns {Json[]}
 */
function assertionMethods({ id: did, verificationMethod, [PURPOSE]: listed }) {
  const described = asList(verificationMethod).filter(isObject);
  return asList(listed).flatMap((entry) => {
    if (isObject(entry)) return [entry];
    if (!isText(entry)) return [];
    const name = entry.startsWith("#") ? did + entry : entry;
    return described.filter((method) => isNamed(method, did, name));
  });
}

/** @type {(entry: Json, did: string, name: string) => boolean} */
const isNamed = ({ id }, did, name) => isText(id) && [id, did + id].includes(name);

/** @type {(value: unknown) => unknown[]} */
const asList = (value = []) => (Array.isArray(value) ? value : [value]);
