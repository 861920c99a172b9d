// JSON read strictly, written in its one canonical form (RFC 8785), and hashed.

import { utf8 } from "../bytes.js";
import { demand, Untrusted } from "./values.js";

const MOST_LEVELS = 64;
const LONE_SURROGATE = /\p{Surrogate}/u;
const NUMBER = /-?(?:0|[1-9]\d*)(?![\d.eE])/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = Object.entries({ true: true, false: false, null: null });

/**
 * The canonical text of a JSON value. What has none is refused: half a character, a number that
 * JSON does not have, more than 64 levels.
 * @param {unknown} value
 * @returns {string}
 */
export function canonicalize(value, step = "form", level = 0) {
  if (typeof value === "string") demand(!LONE_SURROGATE.test(value), step);
  if (typeof value === "number") demand(Number.isFinite(value), step);
  if (value === null || ["string", "number", "boolean"].includes(typeof value)) return JSON.stringify(value);
  demand(typeof value === "object" && level < MOST_LEVELS, step);
  const inner = (/** @type {unknown} */ each) => canonicalize(each, step, level + 1);
  if (Array.isArray(value)) return `[${value.map(inner).join(",")}]`;
  // by UTF-16 code units, as RFC 8785 wants it
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, each]) => `${inner(name)}:${inner(each)}`).join(",")}}`;
}

/** @param {string} text */
export async function sha256(text) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));
}

/** @param {Uint8Array} bytes */
export function hex(bytes) {
  return Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
}

/**
 * The value of a JSON text that can be read in one way only: no name twice, no number but safe
 * integers, at most 64 levels. Objects have no prototype, so no name in them means anything else.
 * @param {string} text
 * @returns {any}
 */
export function parseStrict(text, { depth = "depth", json = "json" } = {}) {
  demandFlat(text, depth);
  return new Reader(text, json).whole();
}

/**
 * Looked at before anything is read, so that a deep text costs nothing.
 * @type {(text: string, step: string) => void}
 */
const demandFlat = (text, step) => {
  let level = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') at = endOfString(text, at);
    else if (sign === "[" || sign === "{") demand((level += 1) <= MOST_LEVELS, step);
    else if (sign === "]" || sign === "}") level -= 1;
  }
};

/**
 * Where the string that starts here has its closing quote; past the text if it has none.
 * @type {(text: string, start: number) => number}
 */
const endOfString = (text, start) => {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
};

class Reader {
  /** @param {string} text @param {string} step of a refusal */
  constructor(text, step) {
    this.text = text;
    this.step = step;
    this.at = 0;
  }

  whole() {
    const value = this.value();
    demand(this.at === this.text.length, this.step);
    return value;
  }

  /** A value and the space around it. @returns {any} */
  value() {
    this.take(SPACE);
    const value = this.bare();
    this.take(SPACE);
    return value;
  }

  bare() {
    const sign = this.text[this.at];
    if (sign === "{") return this.object();
    if (sign === "[") return this.list();
    if (sign === '"') return this.string();
    for (const [word, value] of WORDS) if (this.skip(word)) return value;
    return this.number();
  }

  object() {
    const made = Object.create(null);
    this.series("{", "}", () => {
      this.take(SPACE);
      const name = this.string();
      this.take(SPACE);
      demand(!(name in made) && this.skip(":"), this.step);
      made[name] = this.value();
    });
    return made;
  }

  list() {
    /** @type {any[]} */
    const made = [];
    this.series("[", "]", () => made.push(this.value()));
    return made;
  }

  /** @param {string} opening @param {string} closing @param {() => void} one reads one of the series */
  series(opening, closing, one) {
    this.skip(opening);
    this.take(SPACE);
    if (this.skip(closing)) return;
    do one();
    while (this.skip(","));
    demand(this.skip(closing), this.step);
  }

  /** @returns {string} */
  string() {
    demand(this.text[this.at] === '"', this.step);
    const start = this.at;
    this.at = endOfString(this.text, start) + 1;
    try {
      return JSON.parse(this.text.slice(start, this.at));
    } catch {
      throw new Untrusted(this.step);
    }
  }

  number() {
    const value = Number(this.take(NUMBER) || NaN);
    demand(Number.isSafeInteger(value), this.step);
    return value + 0; // of minus zero, zero
  }

  /** @param {string} word */
  skip(word) {
    const found = this.text.startsWith(word, this.at);
    if (found) this.at += word.length;
    return found;
  }

  /** @param {RegExp} pattern a sticky one */
  take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }
}
