// What this phone keeps: an id that says nothing, a salt, and an HMAC key that cannot be read
// out; and how far the rules had come, which are the same for everybody. No name, no card, no link, not even the wrapped key. A desk's device keeps nothing: there
// it is the card's part, in this module's memory.

import { random, toText } from "./bytes.js";
import { newDeviceKey } from "./keys.js";
import { KIOSK } from "./kiosk.js";

/** @typedef {{id: string, salt: Uint8Array<ArrayBuffer>, key: CryptoKey}} Device */

const DATABASE = "app";
const STORE = "kept";
const ONLY = "device";
const SEEN = "rules";

/** @type {Device | null} */
let held = null;

/** @returns {Promise<Device>} */
export async function newDevice() {
  return { id: toText(random(32)), salt: random(16), key: await newDeviceKey() };
}

/** @returns {Promise<Device | null>} */
export async function keptDevice() {
  if (KIOSK) return held;
  return (await within("readonly", (store) => store.get(ONLY))) ?? null;
}

/** @param {Device} device */
export async function keep(device) {
  if (KIOSK) {
    held = device;
    return;
  }
  await within("readwrite", (store) => store.put(device, ONLY));
  // a phone that runs out of space would clear this first, and the PIN opened nothing then
  await navigator.storage?.persist?.().catch(() => false);
}

/** @typedef {import("./governance/types").Seen & {authority: string}} Seen */

/** @type {Seen | undefined} */
let heldSeen;

/**
 * Whose rules this phone has seen, and how far their versions had come; the same for everybody.
 * @returns {Promise<Seen | undefined>}
 */
export async function keptSeen() {
  if (KIOSK) return heldSeen;
  return (await within("readonly", (store) => store.get(SEEN))) ?? undefined;
}

/** @param {Seen} seen */
export async function keepSeen(seen) {
  heldSeen = seen;
  if (!KIOSK) await within("readwrite", (store) => store.put(seen, SEEN));
}

/** Forget this phone's part: afterwards no PIN opens anything here. */
export async function forget() {
  held = null;
  if (KIOSK) return;
  await within("readwrite", (store) => store.delete(ONLY));
  await within("readwrite", (store) => store.delete(SEEN));
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>}
 */
async function within(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
