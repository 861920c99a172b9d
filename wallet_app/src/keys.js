// The wallet's key is made here, and leaves this phone only wrapped, or for the length of a
// session (docs/adr/0012, 0027).
//
// 1. The key: 32 random bytes.
// 2. With a PIN: Argon2id stretches it, and an HMAC key of this phone, which no script can
//    read out, is mixed in. From that come a proof, which asks the server for the wrapped key,
//    and the key that unwraps it. The server cannot try PINs without this phone, and who
//    copied the phone's storage cannot try them without the server, which counts.
// 3. With the recovery code: it is random itself (128 bits) and needs no stretching.
// 4. With a card: as with a phone, but that all of the phone's part comes from the card's digits.

import { loaded } from "./api.js";
import { fromText, random, toText, utf8 } from "./bytes.js";

/** @typedef {{walletId: string, key: string}} Opening What opens a wallet. */
/** @typedef {{proof: string, box: string}} Slot What the server keeps for one PIN. */
/** @typedef {{proof: string, wrap: CryptoKey}} Derived */

// 19 MiB and two passes, the least that OWASP advises: a second on a phone of ten years ago. The ladder on the server
// and the phone's own key carry most of the weight (docs/adr/0027).
const STRETCHING = { iterations: 2, memorySize: 19 * 1024, parallelism: 1, hashLength: 32 };

const BOX_BYTES = 128; // every box is as long as every other
const NONCE_BYTES = 12;

/** A new key for a store, base64url. */
export function newKey() {
  return toText(random(32));
}

/** An HMAC key that stays in this phone: it can be used here, and never read out. */
export function newDeviceKey() {
  const kind = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.generateKey(kind, false, ["sign"]);
}

/**
 * What a card holds in the place of a phone: an id, a salt and an HMAC key, all of them from the
 * digits on it.
 * @param {string} digits
 */
export async function fromCard(digits) {
  const secret = utf8(digits);
  const kind = { name: "HMAC", hash: "SHA-256" };
  return {
    id: toText(new Uint8Array(await derive(secret, "card-id"))),
    salt: new Uint8Array(await derive(secret, "card-salt")).slice(0, 16),
    key: await crypto.subtle.importKey("raw", await derive(secret, "card-key"), kind, false, ["sign"]),
  };
}

/**
 * @param {string} pin
 * @param {{salt: Uint8Array<ArrayBuffer>, key: CryptoKey}} device
 * @returns {Promise<Derived>}
 */
export async function fromPin(pin, device) {
  const { argon2id } = await loaded(import("../vendor/argon2.js"), "../vendor/argon2.js");
  const slow = await argon2id({ password: pin, salt: device.salt, ...STRETCHING });
  const mixed = await crypto.subtle.sign("HMAC", device.key, new Uint8Array(slow));
  return {
    proof: toText(new Uint8Array(await derive(mixed, "pin-proof"))),
    wrap: await wrapping(mixed, "pin-wrap"),
  };
}

/**
 * @param {Uint8Array<ArrayBuffer>} code 16 random bytes
 * @returns {Promise<{lookup: string, wrap: CryptoKey}>}
 */
export async function fromCode(code) {
  return {
    lookup: toText(new Uint8Array(await derive(code, "recovery-lookup"))),
    wrap: await wrapping(code, "recovery-wrap"),
  };
}

/**
 * @param {CryptoKey} wrap
 * @param {Opening} opening
 */
export async function seal(wrap, opening) {
  const plain = new Uint8Array(BOX_BYTES);
  const said = utf8(JSON.stringify([opening.walletId, opening.key]));
  if (said.length > BOX_BYTES) throw new Error("too long to be wrapped");
  plain.set(said);
  const iv = random(NONCE_BYTES);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, wrap, plain);
  return toText(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/**
 * @param {CryptoKey} wrap
 * @param {string} box
 * @returns {Promise<Opening>}
 */
export async function unseal(wrap, box) {
  const bytes = fromText(box);
  const iv = bytes.slice(0, NONCE_BYTES);
  const sealed = bytes.slice(NONCE_BYTES);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, wrap, sealed);
  const said = new TextDecoder().decode(plain).replace(/\0+$/, "");
  const [walletId, key] = JSON.parse(said);
  return { walletId, key };
}

/**
 * A slot that no PIN opens; nothing tells it from one that a PIN opens.
 * @returns {Slot}
 */
export function emptySlot() {
  return { proof: toText(random(32)), box: toText(random(NONCE_BYTES + BOX_BYTES + 16)) };
}

/**
 * @param {BufferSource} secret
 * @param {string} use
 */
async function derive(secret, use) {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const salt = new Uint8Array(32);
  return crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info: utf8(use) }, base, 256);
}

/**
 * @param {BufferSource} secret
 * @param {string} use
 */
async function wrapping(secret, use) {
  const bytes = await derive(secret, use);
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}
