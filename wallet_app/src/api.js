// The wallet's API over HTTP. The session's token is in this module's memory and nowhere else:
// after a reload the wallet is locked.

import { language } from "./texts.js";

const PLACE = "../api/wallet";
const PATIENCE = 45_000;
const NO_SPACE = 507;
const ENDED = ["wallet-locked", "session-closed", "not-authenticated"];

/** @type {string | null} */
let token = null;

/** Ends what is under way in a session together with it. */
let session = new AbortController();

/** The other side said no, or could not be reached. `code` says which sentence tells it. */
export class Problem extends Error {
  /**
   * @param {number} status 0: nothing was heard of the other side
   * @param {Record<string, any>} said the problem document (RFC 9457)
   */
  constructor(status, said) {
    super(`the API answered ${status}`);
    this.status = status;
    this.slug = String(said.type ?? "").split(/[/:#]/).pop() ?? "";
    /** @type {string} */
    this.code = said.code ?? "";
    /** @type {string} */
    this.reason = said.reason ?? "";
    /** @type {number} */
    this.wait = Number(said.wait_seconds ?? 0);
    /** @type {number | null} */
    this.left = said.tries_left ?? null;
    /** Nothing was heard, and something may have been changed. */
    this.unsure = false;
  }

  get offline() {
    return this.status === 0;
  }

  /** It may go well a little later, with nothing else changed. */
  get passing() {
    return this.offline || this.code === "too-many-requests" || (this.status >= 500 && this.status !== NO_SPACE);
  }

  /** The session is over: the wallet is locked. */
  get ended() {
    return ENDED.includes(this.code || this.slug);
  }
}

/** @param {string | null} session */
export function remember(session) {
  token = session;
}

/** Whether a session was opened here. */
export function isOpen() {
  return token !== null;
}

/**
 * @param {string} path
 * @param {Record<string, any>} [body]
 * @param {Record<string, string>} [headers]
 */
export function post(path, body, headers = {}) {
  return call("POST", path, body, headers);
}

/**
 * @param {string} path
 * @param {Record<string, any>} [body]
 */
export function put(path, body) {
  return call("PUT", path, body);
}

/** @param {string} path */
export function get(path) {
  return call("GET", path);
}

/** @param {string} path */
export function remove(path) {
  return call("DELETE", path).catch(unheard);
}

/**
 * A part of the app that is fetched when it is needed. A browser may remember that a file could
 * not be fetched, and not try again: then it is asked for under an address that it does not know.
 * @template T
 * @param {Promise<T>} part
 * @param {string} path of its file, from this one
 * @returns {Promise<T>}
 */
export async function loaded(part, path) {
  try {
    return await part;
  } catch {
    tries += 1;
    return import(`${path}?again=${tries}`).catch(() => {
      throw new Problem(0, {});
    });
  }
}

let tries = 0;

/**
 * Nothing was heard of a change: it may have been made.
 * @param {unknown} error
 * @returns {never}
 */
export function unheard(error) {
  if (error instanceof Problem && error.offline) error.unsure = true;
  throw error;
}

/**
 * End the session, also when the page goes away at this very moment.
 */
export function endSession() {
  if (token === null) return;
  const headers = { Authorization: `Bearer ${token}` };
  token = null;
  session.abort();
  session = new AbortController();
  fetch(`${PLACE}/session/close`, { method: "POST", headers, keepalive: true }).catch(() => {
    // nothing is heard of it any more: the session ends by itself
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Record<string, any>} [body]
 * @param {Record<string, string>} [more]
 * @returns {Promise<any>}
 */
async function call(method, path, body, more = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "Accept-Language": language() };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  Object.assign(headers, more);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const own = token === null ? null : session.signal;
  const answer = await send(PLACE + path, { method, headers, body: sent }, own);
  if (own?.aborted) throw new Problem(0, {});
  if (answer.ok) return answer.json();
  throw new Problem(answer.status, await answer.json().catch(() => ({})));
}

/**
 * @param {string} address
 * @param {RequestInit} options
 * @param {AbortSignal | null} ending
 */
async function send(address, options, ending) {
  const patience = new AbortController();
  const stop = () => patience.abort();
  const timer = setTimeout(stop, PATIENCE);
  ending?.addEventListener("abort", stop);
  try {
    return await fetch(address, { ...options, signal: patience.signal, cache: "no-store" });
  } catch {
    throw new Problem(0, {});
  } finally {
    clearTimeout(timer);
    ending?.removeEventListener("abort", stop);
  }
}
