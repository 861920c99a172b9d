// A card to carry: a device whose memory is paper (docs/adr/0031). On it stand forty digits, as
// a QR code and to be typed: 38 drawn by lot, and two that check the others (ISO 7064, 97-10).
// Digits, because they are the same in every language and say nothing of what they are for.

import { digitsOf, random } from "./bytes.js";

const DRAWN = 38;
const WHOLE = 40;
const GROUP = 4;

/** Not the digits of a card. */
export class NoCard extends Error {}

/** The digits of a new card. */
export function newCard() {
  let digits = "";
  while (digits.length < DRAWN) {
    const [byte = 0] = random(1);
    if (byte < 250) digits += String(byte % 10); // the others would make some digits likelier
  }
  return digits + String(98 - remainder(`${digits}00`)).padStart(2, "0");
}

/**
 * What somebody typed or scanned, as the digits of a card. Raises NoCard.
 * @param {string} text
 */
export async function readCard(text) {
  const digits = digitsOf(text).replace(/[\s.,-]+/g, "");
  if (digits.length !== WHOLE || /\D/.test(digits) || remainder(digits) !== 1) throw new NoCard();
  return digits;
}

/**
 * The digits in groups, as they are printed.
 * @param {string} digits
 */
export function grouped(digits) {
  return digits.match(new RegExp(`.{${GROUP}}`, "g")) ?? [];
}

/** @param {string} digits */
function remainder(digits) {
  return Array.from(digits).reduce((rest, each) => (rest * 10 + Number(each)) % 97, 0);
}
