// Base58 with Bitcoin's alphabet, for keys, signatures and hashes: short ones only, since the
// work grows with the square of the length.

import { demand } from "./values.js";

const SIGNS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const MOST_SIGNS = 200;

/** @param {Uint8Array} bytes */
export function encode(bytes) {
  return rebased([...bytes], 256, 58).map((each) => SIGNS[each]).join("");
}

/** Throws Untrusted, step `base58`. @param {string} text */
export function decode(text) {
  demand(text.length <= MOST_SIGNS, "base58");
  const digits = Array.from(text, (sign) => SIGNS.indexOf(sign));
  demand(!digits.includes(-1), "base58");
  return Uint8Array.from(rebased(digits, 58, 256));
}

/** Undo multibase `z`, the only base that is understood. @param {unknown} text */
export function fromMultibase(text) {
  demand(typeof text === "string" && text.startsWith("z"), "base58");
  return decode(text.slice(1));
}

/**
 * The digits of a number in another base; each zero in front stays one zero.
 * @type {(digits: number[], from: number, to: number) => number[]}
 */
const rebased = (digits, from, to) => {
  /** @type {number[]} the last digit first */
  const made = [];
  for (let carry of digits) {
    for (const [at, digit] of made.entries()) {
      carry += digit * from;
      made[at] = carry % to;
      carry = Math.floor(carry / to);
    }
    for (; carry > 0; carry = Math.floor(carry / to)) made.push(carry % to);
  }
  const first = digits.findIndex((each) => each !== 0);
  const zeros = first === -1 ? digits.length : first;
  return [...new Array(zeros).fill(0), ...made.reverse()];
};
