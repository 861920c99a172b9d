// Setting up, opening and closing the wallet. The key itself is held no longer than a step
// needs it.

import * as api from "./api.js";
import { toText, random } from "./bytes.js";
import { newCard } from "./carrying.js";
import { forget, keep, keptDevice, newDevice } from "./device.js";
import { emptySlot, fromCard, fromCode, fromPin, newKey, seal, unseal } from "./keys.js";
import { KIOSK } from "./kiosk.js";
import { newCode } from "./recovery.js";

/** @typedef {import("./keys.js").Opening} Opening */
/** @typedef {import("./device.js").Device} Device */

/** A wallet that is being made: kept until it is complete, so that a second try goes on. */
/** @type {Opening & {once: string} | null} */
let draft = null;

/** A device that was sent and of which nothing was heard: the server may know it. */
/** @type {{device: string, proof: string} | null} */
let sent = null;

/** Another wallet for the second PIN, until it is complete: a second try goes on with it. */
/** @type {Opening & {once: string} | null} */
let second = null;

/** Whether a change of the PIN was sent and nothing was heard of it. */
let changing = false;

/** What is being deleted, until that was heard of: no PIN finds it any more. */
/** @type {{proof: string, opening: Opening} | null} */
let going = null;

/** A card that is being made: it counts once it was tried. */
/** @type {{digits: string, device: Device, proof: string, slots: import("./keys.js").Slot[]} | null} */
let card = null;

/** At a desk's device it is a card that opens, and never a phone. */
const AS_CARD = KIOSK ? { card: true } : {};

/** Whether a wallet was set up on this phone. */
export async function isSetUp() {
  return (await keptDevice()) !== null;
}

/**
 * Make a wallet and open it; answers its recovery code.
 * @param {string} pin
 */
export async function setUp(pin) {
  const opening = (draft ??= newWallet());
  await makeWallet(opening);
  await openWith(opening);
  const code = await codeFor(opening);
  await bindToPhone(pin, opening);
  draft = null;
  return code;
}

/**
 * At a desk's device: make a wallet, or open that of a recovery code; answers the digits of a
 * card for it, which opens it once it was tried.
 * @param {string} pin
 * @param {Uint8Array<ArrayBuffer>} [code]
 */
export async function setUpWithCard(pin, code) {
  const opening = code ? await openingOf(code) : await newlyMade();
  await openWith(opening);
  return cardFor(pin, opening);
}

async function newlyMade() {
  draft ??= newWallet();
  await makeWallet(draft);
  return draft;
}

/**
 * The digits of a card for the wallet that is open.
 * @param {string} pin of this wallet; the card has it, too
 */
export async function makeCard(pin) {
  return cardFor(pin, (await withOwnPin(pin)).opening);
}

/**
 * Try the card that is being made: from now on it opens the wallet, and the one before does not.
 * Answers whether the PIN was the card's; a wrong one counts, where one is counted already.
 * @param {string} pin
 */
export async function tryCard(pin) {
  if (card === null) throw new Error("no card is being made");
  const { device, slots } = card;
  const { proof } = await fromPin(pin, device);
  if (proof !== card.proof) {
    if (await isSetUp()) await check(pin);
    return false;
  }
  await api.post("/devices", { device: device.id, slots, card: true }).catch(api.unheard);
  await api.post("/devices/unlock", { device: device.id, proof, card: true }); // as any desk will
  if (KIOSK) await keep(device);
  card = null;
  draft = null;
  return true;
}

/**
 * At a desk's device: open the wallet of a card with its PIN. Raises Problem as `unlock` does;
 * 404 for a card that has ended.
 * @param {string} digits
 * @param {string} pin
 */
export async function openCard(digits, pin) {
  if (!KIOSK) throw new Error("a phone does not keep a card");
  await keep(await fromCard(digits));
  await unlock(pin);
}

/** No card opens this wallet from now. */
export async function endCards() {
  await api.post("/devices/cards/forget", {});
}

/**
 * Open the wallet with its PIN. Raises Problem: 401 for a wrong one, 429 while it waits.
 * @param {string} pin
 */
export async function unlock(pin) {
  await openWith((await withPin(pin)).opening);
}

/**
 * Open the wallet of a recovery code, under a new PIN on this phone.
 * @param {Uint8Array<ArrayBuffer>} code
 * @param {string} pin
 */
export async function recover(code, pin) {
  const opening = await openingOf(code);
  const before = await keptDevice();
  await openWith(opening);
  await bindToPhone(pin, opening);
  if (before === null) return;
  await forgetBefore(before.id).catch(() => {
    // it is listed among the other phones then; beginning anew would list this one twice
  });
}

/**
 * The PIN of before was forgotten on this very phone: it is no other phone.
 * @param {string} only
 */
async function forgetBefore(only) {
  const { id } = await theDevice();
  await api.post("/devices/others/forget", { device: id, only });
}

/**
 * Whether a code opens anything; nothing is opened.
 * @param {Uint8Array<ArrayBuffer>} code
 */
export async function openingOf(code) {
  const { lookup, wrap } = await fromCode(code);
  const { box } = await api.post("/recovery/open", { lookup });
  return unseal(wrap, box);
}

/** Close the wallet, here and on the server. */
export function lock() {
  changing = false;
  going = null;
  second = null;
  card = null;
  api.endSession();
}

/**
 * Whether this is the PIN, asked again before something that cannot be taken back. Raises
 * Problem, and counts like any try.
 * @param {string} pin
 */
export async function check(pin) {
  await withOwnPin(pin);
}

/**
 * Change the PIN: the key is wrapped anew, nothing else changes.
 * @param {string} pin
 * @param {string} next
 */
export async function changePin(pin, next) {
  const { device, derived, slot, opening } = await withOwnPin(pin).catch((error) => {
    // the change may have arrived: then it is the new PIN that opens
    if (changing && isProblem(error, 401)) return withOwnPin(next);
    throw error;
  });
  changing = true;
  await replace(device, derived.proof, slot, next, opening).catch(api.unheard);
  changing = false;
}

/**
 * A second PIN that opens another, empty wallet. What the second place held is gone: nothing
 * opens it any more, and nobody here has the key to delete it with.
 * @param {string} pin
 * @param {string} chosen
 */
export async function addSecond(pin, chosen) {
  const { device, derived, slot } = await withOwnPin(pin);
  const other = (second ??= newWallet());
  const place = 1 - slot;
  try {
    await makeWallet(other);
    const made = await replace(device, derived.proof, place, chosen, other);
    await introduce(device, made, place, other);
  } catch (error) {
    api.unheard(error);
  }
  second = null;
}

/**
 * A new recovery code; the one before opens nothing any more.
 * @param {string} pin
 */
export async function renewCode(pin) {
  const { opening } = await withOwnPin(pin);
  return codeFor(opening).catch(api.unheard);
}

/**
 * Delete the wallet and everything in it, and this phone's part.
 * @param {string} pin
 */
export async function destroy(pin) {
  const device = await theDevice();
  const derived = await fromPin(pin, device);
  const { proof } = derived;
  if (going?.proof !== proof) going = { proof, opening: (await released(device, derived)).opening };
  const { walletId, key } = going.opening;
  await api.post(`/wallets/${walletId}/destroy`, { key }).catch((error) => {
    if (!isProblem(error, 401)) api.unheard(error); // the key is right, so the wallet is gone
  });
  going = null;
  api.remember(null);
  await api.post("/devices/forget", { device: device.id, proof }).catch(() => {
    // gone with the wallet already; and without the phone's key it opens nothing
  });
  await forget();
}

/** This phone forgets its part: no PIN opens anything on it any more. */
export async function startAnew() {
  await forget();
}

/** Every other phone forgets how to open this wallet. */
export async function closeElsewhere() {
  const device = await theDevice();
  return (await api.post("/devices/others/forget", { device: device.id })).forgotten;
}

function newWallet() {
  return { walletId: "", key: newKey(), once: toText(random(16)) };
}

/** @param {Opening & {once: string}} opening */
async function makeWallet(opening) {
  const again = { "Idempotency-Key": opening.once };
  opening.walletId = (await api.post("/wallets", { key: opening.key }, again)).wallet_id;
}

/** @param {Opening} opening */
async function codeFor(opening) {
  const code = newCode();
  const { lookup, wrap } = await fromCode(code);
  await api.put("/recovery", { lookup, box: await seal(wrap, opening) });
  return code;
}

/** Which wallet is open; so that a code can be told to be its own. */
let open = "";

/**
 * Whether this is the recovery code of the wallet that is open.
 * @param {Uint8Array<ArrayBuffer>} code
 */
export async function isOurs(code) {
  return (await openingOf(code)).walletId === open;
}

/** @param {Opening} opening */
async function openWith(opening) {
  const path = `/wallets/${opening.walletId}/sessions`;
  api.remember((await api.post(path, { key: opening.key })).session);
  open = opening.walletId;
}

/**
 * @param {string} pin
 * @param {Opening} opening
 */
async function bindToPhone(pin, opening) {
  if (sent !== null) await api.post("/devices/forget", sent).catch(neverArrived);
  const device = await newDevice();
  const { proof, slots } = await slotsOf(device, pin, opening);
  sent = { device: device.id, proof };
  await api.post("/devices", { device: device.id, slots });
  await keep(device);
  sent = null;
}

/**
 * @param {string} pin
 * @param {Opening} opening
 */
async function cardFor(pin, opening) {
  const digits = newCard();
  const device = await fromCard(digits);
  card = { digits, device, ...(await slotsOf(device, pin, opening)) };
  return digits;
}

/**
 * The PIN's slot, and one that nothing opens.
 * @param {Device} device
 * @param {string} pin
 * @param {Opening} opening
 */
async function slotsOf(device, pin, opening) {
  const { proof, wrap } = await fromPin(pin, device);
  const slots = [{ proof, box: await seal(wrap, opening) }, emptySlot()];
  if (Number(random(1)[0]) & 1) slots.reverse(); // which is which is drawn by lot
  return { proof, slots };
}

/** @param {string} pin */
async function withPin(pin) {
  const device = await theDevice();
  return released(device, await fromPin(pin, device));
}

/**
 * The PIN of the wallet that is open. That of another one is a wrong PIN like any other: what
 * is changed has to be what is seen, and nothing may tell that there is another.
 * @param {string} pin
 */
async function withOwnPin(pin) {
  const found = await withPin(pin);
  if (found.opening.walletId === open) return found;
  await api.post("/devices/unlock", { device: found.device.id, proof: emptySlot().proof, ...AS_CARD });
  throw new Error("a random proof opened something");
}

/**
 * @param {Device} device
 * @param {import("./keys.js").Derived} derived
 */
async function released(device, derived) {
  const { slot, box } = await api.post("/devices/unlock", { device: device.id, proof: derived.proof, ...AS_CARD });
  return { device, derived, slot, opening: await unseal(derived.wrap, box) };
}

/**
 * Let the second wallet know of this phone, in a session of its own, so that both say the same
 * of themselves.
 * @param {Device} device
 * @param {{proof: string, box: string}} made
 * @param {number} slot
 * @param {Opening} opening
 */
async function introduce(device, made, slot, opening) {
  const { session } = await api.post(`/wallets/${opening.walletId}/sessions`, { key: opening.key });
  const headers = { Authorization: `Bearer ${session}` };
  const body = { device: device.id, proof: made.proof, slot, new: made, ...AS_CARD };
  await api.post("/devices/slot", body, headers);
  await api.post("/session/close", undefined, headers);
}

/**
 * @param {Device} device
 * @param {string} proof of the PIN that was typed
 * @param {number} slot
 * @param {string} pin
 * @param {Opening} opening
 */
async function replace(device, proof, slot, pin, opening) {
  const next = await fromPin(pin, device);
  const box = await seal(next.wrap, opening);
  const made = { proof: next.proof, box };
  await api.post("/devices/slot", { device: device.id, proof, slot, new: made, ...AS_CARD });
  return made;
}

async function theDevice() {
  const device = await keptDevice();
  if (device === null) throw new Error("no wallet was set up on this phone");
  return device;
}

/**
 * @param {unknown} error
 * @param {number} status
 */
function isProblem(error, status) {
  return error instanceof api.Problem && error.status === status;
}

/** @param {unknown} error */
function neverArrived(error) {
  if (!isProblem(error, 401)) throw error;
}
