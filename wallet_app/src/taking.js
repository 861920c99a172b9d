// From what was scanned, pasted or opened to the screen that shows what it is about.

import { Problem, post } from "./api.js";
import { go } from "./app.js";
import { fromText } from "./bytes.js";
import { NoCard, readCard } from "./carrying.js";
import { linkIn } from "./links.js";
import { NoCode, read } from "./recovery.js";
import { warm } from "./trusting.js";

/** @typedef {import("./types").Preview} Preview */

/**
 * Show what a link offers or asks. Nothing is disclosed by looking.
 * @param {string} text a link, or an invitation of another maker's software
 * @param {string} [code] what the desk said
 * @param {string} [variant] in which way a request is to be answered
 */
export async function takeUp(text, code, variant) {
  const asked = meant(text);
  if (asked === null) return go("outcome", { what: await strange(text) });
  warm();
  try {
    /** @type {Preview} */
    const found = await post("/links", { ...asked, ...(code && { code }), ...(variant && { variant }) });
    if (found.kind === "code-needed") return await go("deskcode", { link: text });
    if (found.kind === "offer") return await go("offer", { offer: found });
    return await go("request", { request: found });
  } catch (error) {
    if (error instanceof Problem && toldApart(error, code)) throw error;
    const passing = error instanceof Problem && error.passing;
    return go("outcome", { problem: error, again: passing ? () => takeUp(text, code, variant) : null });
  }
}

/**
 * What stays on the screen where it was typed: no session, or a code that was not right.
 * @param {Problem} problem
 * @param {string | undefined} code
 */
function toldApart(problem, code) {
  return problem.ended || (code !== undefined && problem.code === "wrong-code");
}

/**
 * @param {string} text
 * @returns {Record<string, any> | null}
 */
export function meant(text) {
  const plain = text.trim();
  const inside = linkIn(plain);
  if (inside) return { link: inside };
  const invitation = /[?&](?:oob|c_i)=([A-Za-z0-9_-]+=*)/.exec(plain);
  if (invitation?.[1]) return invited(invitation[1]);
  return /^https?:\/\/\S{5,}$/.test(plain) && plain.length <= 2000 ? { link: plain } : null;
}

/** @param {string} encoded */
function invited(encoded) {
  try {
    return { invitation: JSON.parse(new TextDecoder().decode(fromText(encoded))), statement: {} };
  } catch {
    return null;
  }
}

/** @param {string} text */
async function strange(text) {
  try {
    await readCard(text);
    return "own-card";
  } catch (error) {
    if (!(error instanceof NoCard)) throw error;
  }
  try {
    await read(text);
    return "own-code";
  } catch (error) {
    if (error instanceof NoCode) return "not-a-link";
    throw error;
  }
}
