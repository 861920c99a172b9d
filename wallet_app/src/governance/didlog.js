// Verifying a whole DID log of did:webvh v1.0, first entry to last, as agent/webvh/didlog.py
// does it on the server, with the same steps:
//
// 1. each is an entry with the members of the specification, numbered without a gap   entry
// 2. the SCID is the hash of the first entry, each entry's hash chains to the last    hash
// 3. the update keys were committed to before (pre-rotation)                          entry
// 4. method and DID are the same throughout, time only grows, no witnesses            did
// 5. every proof is by an update key in force, for the purpose assertionMethod        signature
// 6. the DID can be served, is the one asked for, and is not deactivated       identifier, did
//
// Witnesses are refused rather than skipped: not looking for one that a log demands would
// accept what its owner did not approve.

import { encode } from "./base58.js";
import { canonicalize, parseStrict, sha256 } from "./canonical.js";
import { verifyProof } from "./proof.js";
import { demand, hasOnly, isObject, isText, isWhole, momentOf, within } from "./values.js";

/** @import { Json, State } from "./types" */

const MOST_ENTRIES = 1_000;
const MOST_TEXT = 4_000_000;
const MOST_AHEAD = 300_000;
const METHOD = "did:webvh:1.0";
const PLACEHOLDER = "{SCID}";
const SCID = /^[1-9A-HJ-NP-Za-km-z]{46}$/;
const DID =
  /^did:webvh:[^:]{46}:([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])(:[A-Za-z0-9_-][A-Za-z0-9._-]{0,127})*$/;

const isBoolean = (/** @type {unknown} */ value) => typeof value === "boolean";
const isTexts = (/** @type {unknown} */ value) =>
  Array.isArray(value) && value.every((each) => typeof each === "string");

/** @type {[string, (value: unknown) => boolean][]} */
const KINDS = [
  ["deactivated", isBoolean],
  ["method", isText],
  ["nextKeyHashes", isTexts],
  ["portable", isBoolean],
  ["scid", isText],
  ["ttl", (value) => isWhole(value, 1)],
  ["updateKeys", isTexts],
  ["watchers", isTexts],
  ["witness", isObject],
];
const PARAMETERS = new Map(KINDS);

/**
 * The current DID document of a log that holds. Throws Untrusted.
 * @param {string} text `did.jsonl`
 * @param {string} did the DID asked for
 * @param {Date} [now] if given, a last entry more than five minutes ahead is refused
 * @returns {Promise<Json>}
 */
export async function verifyLog(text, did, now) {
  const states = await loadStates(text);
  for (const [index, state] of states.entries()) {
    const previous = states[index - 1];
    checkEntry(state, previous);
    await within("signature", () => checkSignatures(state, previous));
  }
  const last = /** @type {State} */ (states.at(-1));
  const document = last.entry.state;
  demand(document.id.length <= 1024 && DID.test(document.id), "identifier");
  demand(document.id === did && !last.parameters.deactivated, "did");
  demand(!now || last.time <= now.getTime() + MOST_AHEAD, "entry");
  return document;
}

/** @type {(text: string) => Promise<State[]>} */
const loadStates = async (text) => {
  demand(text.length <= MOST_TEXT, "entry");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  demand(lines.length > 0 && lines.length <= MOST_ENTRIES, "entry");
  /** @type {State[]} */
  const states = [];
  for (const line of lines) {
    const entry = parseStrict(line, { depth: "entry", json: "entry" });
    states.push(await loadState(entry, states.length + 1, states.at(-1)));
  }
  return states;
};

/** @type {(entry: unknown, number: number, previous?: State) => Promise<State>} */
const loadState = async (entry, number, previous) => {
  demand(hasOnly(entry, "versionId", "versionTime", "parameters", "state", "proof"), "entry");
  const { versionId, parameters: changed, state, proof } = entry;
  const time = momentOf(entry.versionTime);
  demand(isText(versionId) && versionId.startsWith(`${number}-`) && time !== null, "entry");
  demand(isObject(changed) && isObject(state) && isText(state.id), "entry");
  demand(Array.isArray(proof) && proof.every(isObject), "entry");
  const parameters = updated(previous?.parameters, changed);
  if (!previous) await checkScid(entry, parameters);
  await checkRotation(previous?.parameters.nextKeyHashes, changed.updateKeys);
  const before = previous?.entry.versionId ?? parameters.scid;
  demand(versionId === `${number}-${await entryHash(entry, before, changed, state)}`, "hash");
  return { entry, parameters, time };
};

/** @type {(before: Json | undefined, changed: Json) => Json} */
const updated = (before, changed) => {
  for (const [name, value] of Object.entries(changed)) demand(PARAMETERS.get(name)?.(value), "entry");
  demand(!before || changed.scid === undefined, "entry");
  demand(!before || !changed.portable || before.portable, "entry");
  return { ...before, ...changed };
};

/**
 * The SCID is the hash of the first entry as it was before there was one.
 * @type {(entry: Json, parameters: Json) => Promise<void>}
 */
const checkScid = async (entry, parameters) => {
  const { scid, method } = parameters;
  demand(isText(scid) && isText(method), "entry");
  demand(SCID.test(scid), "hash");
  const shown = JSON.stringify(entry.state);
  const first = shown.replaceAll(scid, PLACEHOLDER);
  demand(first !== shown, "hash");
  const made = await entryHash(entry, PLACEHOLDER, { ...parameters, scid: PLACEHOLDER }, JSON.parse(first));
  demand(made === scid, "hash");
};

/** @type {(entry: Json, versionId: string, parameters: Json, state: Json) => Promise<string>} */
const entryHash = ({ versionTime }, versionId, parameters, state) =>
  multihash(canonicalize({ versionId, versionTime, parameters, state }, "hash"));

/** Of sha2-256, 32 bytes long. @type {(text: string) => Promise<string>} */
const multihash = async (text) => encode(new Uint8Array([0x12, 0x20, ...(await sha256(text))]));

/** @type {(committed?: string[], keys?: string[]) => Promise<void>} */
const checkRotation = async (committed, keys) => {
  if (!committed?.length) return;
  demand(keys, "entry");
  for (const key of keys) demand(committed.includes(await multihash(key)), "entry");
};

/** @type {(state: State, previous?: State) => void} */
const checkEntry = ({ entry, parameters, time }, previous) => {
  const { id } = entry.state;
  demand(id.startsWith(`did:webvh:${parameters.scid}:`) && parameters.method === METHOD, "did");
  demand(!previous || time > previous.time, "did");
  demand(!previous || id === previous.entry.state.id || previous.parameters.portable, "did");
  demand(Object.keys(parameters.witness ?? {}).length === 0, "did");
};

/** @type {(state: State, previous?: State) => Promise<void>} */
const checkSignatures = async ({ entry, parameters }, previous) => {
  // with pre-rotation the keys that were committed to sign their own entry
  const own = !previous || previous.parameters.nextKeyHashes?.length;
  const keys = (own ? parameters : previous.parameters).updateKeys ?? [];
  demand(entry.proof.length > 0, "signature");
  for (const proof of entry.proof) {
    const { verificationMethod: method } = proof;
    const key = isText(method) ? method.split("#")[1] : undefined;
    demand(key && keys.includes(key) && method === `did:key:${key}#${key}`, "signature");
    await verifyProof(entry, proof, key);
  }
};
