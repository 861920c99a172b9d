// This phone's own judgement, before a yes is offered: the signed rules that it holds, and who
// verifiably asks or offers. What the server says of either is not asked for.
//
// The copy of the rules lives as long as the page. What is kept on the phone is only how far the
// versions had come, by whom they have to be signed, and whose they are: an older version, and
// another authority, are refused on the next day too. The first time there is nothing to compare
// with, unless whoever runs this installation has pinned the authority in the page.

import { get } from "./api.js";
import { keepSeen, keptSeen } from "./device.js";
import { judgeOffer, judgeRequest } from "./governance/asking.js";
import { parseStrict } from "./governance/canonical.js";
import { MOST_TEXT, verifyFramework } from "./governance/framework.js";
import { demand, isObject, Untrusted } from "./governance/values.js";
import { language } from "./texts.js";

/** @typedef {import("./governance/types").Verified} Verified */
/** @typedef {import("./governance/types").Asking} Asking */
/** @typedef {import("./governance/types").Seen & {authority: string}} Kept */
/** @typedef {{who: string, title: string, description: string}} Told */
/** @typedef {Told & {trusted: true, issuedAt: string, still: () => Promise<boolean>}} Trusted */
/** @typedef {{trusted: false, step: string, reason: string}} Refused */

const FRESH_MS = 60_000; // a suspension is seen within a minute

/** @type {{verified: Verified, at: Date} | null} */
let held = null;

/**
 * What this phone makes of a request: whether a yes may be offered, and in whose name.
 * @param {import("./types").Request} request
 * @returns {Promise<Trusted | Refused>}
 */
export function ofRequest(request) {
  const found = evidence(`/requests/${request.id}`);
  return judged(found, async ({ statement, invitation, log }, rules, asOf) => {
    const said = { statement, invitation, log: log ?? "" };
    const asking = await judgeRequest(said, rules, asOf);
    demand(showsAll(request, asking), "shown");
    return { who: inWords(asking.names), title: inWords(asking.title), description: inWords(asking.description) };
  });
}

/**
 * The same of an offer.
 * @param {import("./types").Offer} offer
 * @returns {Promise<Trusted | Refused>}
 */
export function ofOffer(offer) {
  const found = evidence(`/offers/${offer.id}`);
  return judged(found, async (told, rules, asOf) => {
    const { statement, invitation, log, issuer, credential, definition_id: definitionId } = told;
    demand(credential === offer.credential && issuer === offer.issuer, "shown");
    const said = { statement, invitation, log: log ?? "" };
    const offering = await judgeOffer({ ...said, issuer, credential, definitionId }, rules, asOf);
    return { who: inWords(offering.names), title: offer.title, description: "" };
  });
}

/** Fetch the rules while something else is waited for; whoever needs them hears what failed. */
export function warm() {
  freshRules().catch(() => {});
}

/**
 * `still`: whether the same holds by the rules of a moment later, before a yes is sent.
 * @param {Promise<any>} found
 * @param {(told: any, rules: unknown, asOf: Date) => Promise<Told>} judge
 * @returns {Promise<Trusted | Refused>}
 */
async function judged(found, judge) {
  try {
    const [told, { verified }] = await Promise.all([found, freshRules()]);
    const { framework, issuedAt } = verified;
    const still = async () => (await judged(found, judge)).trusted;
    return { trusted: true, issuedAt, still, ...(await judge(told, framework, new Date())) };
  } catch (error) {
    if (!(error instanceof Untrusted)) throw error;
    return { trusted: false, step: error.step, reason: error.reason };
  }
}

/** @type {Promise<{verified: Verified, at: Date}> | null} */
let looking = null;

/** The rules, looked at again if that was more than a minute ago; by one at a time. */
function freshRules() {
  if (held !== null && Date.now() - held.at.getTime() < FRESH_MS) return Promise.resolve(held);
  return (looking ??= look().finally(() => (looking = null)));
}

async function look() {
  const told = await get(`/rules?have=${held?.verified.sequence ?? 0}`);
  if (told.framework === null && held !== null) {
    demand(Date.parse(held.verified.expiresAt) > Date.now(), "time");
    return (held = { verified: held.verified, at: new Date() });
  }
  return (held = { verified: await verify(told), at: new Date() });
}

/** @param {{framework: string | null, logs: Record<string, string>}} told */
async function verify({ framework, logs }) {
  demand(typeof framework === "string", "form");
  const seen = await keptSeen();
  const authority = pinned() || seen?.authority || claimed(framework);
  demand(!seen || seen.authority === authority, "framework");
  const verified = await verifyFramework(framework, { authority, logs, seen, now: new Date() });
  const { sequence, digest, signers } = verified;
  await keepSeen({ authority, sequence, digest, signers });
  return verified;
}

/** Whose rules whoever runs this installation has written into the page, if anybody has. */
function pinned() {
  return document.querySelector('meta[name="authority"]')?.getAttribute("content") ?? "";
}

/** @param {string} text */
function claimed(text) {
  demand(text.length <= MOST_TEXT, "size"); // before anything of it is read
  const document = parseStrict(text);
  return isObject(document) ? String(document.authority) : "";
}

/** @param {string} path */
async function evidence(path) {
  const told = await get(`${path}/evidence`);
  const read = (/** @type {string | null} */ text) => (text === null ? null : parseStrict(text, { depth: "form", json: "form" }));
  return { ...told, statement: read(told.statement), invitation: read(told.invitation) };
}

/**
 * Whether the screen names every attribute that the request would have shown or proven.
 * @param {import("./types").Request} request
 * @param {Asking} asking
 */
function showsAll(request, { ask, retentionSeconds, purpose }) {
  if (request.retention_seconds !== retentionSeconds || request.purpose !== purpose) return false;
  if (request.asks.length !== ask.asks.length) return false;
  return ask.asks.every(({ label, reveal, predicates }) => {
    const part = request.asks.find((each) => each.part === label);
    const names = (/** @type {import("./types").Named[]} */ listed) => listed.map((each) => each.attribute).sort().join();
    const proven = predicates.map((each) => each.attribute);
    return part && names(part.shown) === [...reveal].sort().join() && names(part.proven) === [...proven].sort().join();
  });
}

/** @param {import("./governance/types").Names} names */
function inWords(names) {
  if (typeof names === "string") return names;
  return names[language()] ?? names["en"] ?? Object.values(names)[0] ?? "";
}
