// The recovery code: 16 random bytes, as twelve words, as twelve numbers, and as a QR code;
// and the same code split among people, any k of n of whom bring it back (Shamir).
//
// Words follow BIP 39, whose lists tell words apart by their first letters and whose last word
// checks the others. The number beside each word is its place in the list: it is the same in
// every language, so nobody has to read or write Latin letters.

import { loaded } from "./api.js";
import { digitsOf, fromText, random, toText } from "./bytes.js";
import { language } from "./texts.js";

const CODE_BYTES = 16;
const WHOLE = "R1.";
const PART = "P1.";

/** Neither a code nor a part of one. */
export class NoCode extends Error {}

/** @typedef {{words: string[], numbers: string[], picture: string}} Written */
/** @typedef {{needed: number, set: string, share: Uint8Array}} Part */

export function newCode() {
  return random(CODE_BYTES);
}

/**
 * A code, or a part of one, in the forms in which people keep it.
 * @param {Uint8Array} code
 * @returns {Promise<Written>}
 */
export async function written(code) {
  const { entropyToMnemonic } = await loaded(import("../vendor/words.js"), "../vendor/words.js");
  const [shown, english] = [await list(language()), await list("en")];
  const words = entropyToMnemonic(code, shown).normalize("NFC").split(/\s+/);
  const places = entropyToMnemonic(code, english).split(/\s+/);
  const numbers = places.map((word) => String(english.indexOf(word) + 1).padStart(4, "0"));
  return { words, numbers, picture: (code.length === CODE_BYTES ? WHOLE : PART) + toText(code) };
}

/**
 * What somebody typed or scanned: words of either list, numbers, or what the QR code holds.
 * @param {string} text
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function read(text) {
  const plain = text.trim();
  if (plain.startsWith(WHOLE) || plain.startsWith(PART)) return scanned(plain.slice(3));
  const tokens = digitsOf(plain).toLowerCase().normalize("NFKD").split(/[\s,;]+/).filter(Boolean);
  if (tokens.length < 12) throw new NoCode();
  const { mnemonicToEntropy } = await loaded(import("../vendor/words.js"), "../vendor/words.js");
  for (const each of [await list("en"), await list("es")]) {
    try {
      const words = tokens.map((token) => wordFor(token, each));
      return new Uint8Array(mnemonicToEntropy(words.join(" "), each));
    } catch {
      // not of this list, or a slip of the pen: the last word tells
    }
  }
  throw new NoCode();
}

/**
 * Split a code: any `needed` of the `people` parts bring it back, fewer say nothing of it.
 * @param {Uint8Array} code
 * @param {number} people
 * @param {number} needed
 */
export async function split(code, people, needed) {
  const { split: divide } = await loaded(import("../vendor/shamir.js"), "../vendor/shamir.js");
  const shares = await divide(new Uint8Array(code), people, needed);
  const set = random(2); // parts of different times do not fit together, and this tells
  return shares.map((share) => new Uint8Array([needed, ...set, ...share]));
}

/**
 * A part, read; null for a whole code.
 * @param {Uint8Array} code
 * @returns {Part | null}
 */
export function asPart(code) {
  if (code.length === CODE_BYTES) return null;
  const [needed = 0] = code;
  return { needed, set: toText(code.slice(1, 3)), share: code.slice(3) };
}

/**
 * The code from enough of its parts.
 * @param {Part[]} parts
 */
export async function combine(parts) {
  const { combine: join } = await loaded(import("../vendor/shamir.js"), "../vendor/shamir.js");
  return new Uint8Array(await join(parts.map((part) => new Uint8Array(part.share))));
}

/** @param {string} text */
function scanned(text) {
  try {
    return fromText(text);
  } catch {
    throw new NoCode();
  }
}

/**
 * @param {string} token a word, or its place
 * @param {string[]} words
 */
function wordFor(token, words) {
  if (!/^\d{1,4}$/.test(token)) return token;
  const word = words[Number(token) - 1];
  if (word === undefined) throw new NoCode();
  return word;
}

/**
 * Khmer has no such list: there the numbers are the code, and English words stand beside them.
 * @param {string} wanted
 * @returns {Promise<string[]>}
 */
async function list(wanted) {
  if (wanted === "es") return (await loaded(import("../vendor/words-es.js"), "../vendor/words-es.js")).wordlist;
  return (await loaded(import("../vendor/words-en.js"), "../vendor/words-en.js")).wordlist;
}
