// The service worker: it keeps the app's shell, so that the app starts without a network, and
// nothing else. No answer of the API, no link, no card ever passes through here: only requests
// for files of the list below are looked at, all others go to the network as if it were not here.
//
// The list and its version are made by the server from the files themselves (shell.js). When a
// file changes, the version does; the browser fetches the new shell as a whole and changes over
// at the app's next start, never in the middle of something: a start that finds a new version
// waiting asks for it, and gets it if no other window has the app. Where the browser still has an
// answer under way through the old one, it is one of the starts after that.

/// <reference lib="webworker" />

// @ts-ignore  (a worker, not a page)
const worker = /** @type {ServiceWorkerGlobalScope} */ (self);

importScripts("shell.js");

/** @type {{version: string, files: string[]}} */
const SHELL = /** @type {any} */ (worker).SHELL;
const CACHE = `shell-${SHELL.version}`;

/** @param {string} file */
function address(file) {
  return new URL(file, worker.registration.scope).href;
}

const ADDRESSES = new Set(SHELL.files.map(address));
const START = address("./");
const PAUSES_MS = [0, 100, 300, 800]; // a page that was just left is counted for a moment

worker.addEventListener("install", (event) => {
  event.waitUntil(fetchShell());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldShells());
});

worker.addEventListener("message", (event) => {
  event.waitUntil(takeOver(event.source));
});

worker.addEventListener("fetch", (event) => {
  const file = shellFile(event.request);
  if (file) event.respondWith(answer(file, event.request));
});

async function fetchShell() {
  const cache = await caches.open(CACHE);
  // past the browser's own cache: a shell is of one version, or not kept at all
  await cache.addAll([...ADDRESSES].map((each) => new Request(each, { cache: "reload" })));
}

/** @param {Client | ServiceWorker | MessagePort | null} asker */
async function takeOver(asker) {
  for (const pause of PAUSES_MS) {
    await new Promise((go) => setTimeout(go, pause));
    if (await isAlone()) return worker.skipWaiting();
  }
  asker?.postMessage("not now");
}

async function isAlone() {
  const windows = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  return windows.filter((each) => each.url.startsWith(worker.registration.scope)).length === 1;
}

async function forgetOldShells() {
  for (const name of await caches.keys()) {
    if (name.startsWith("shell-") && name !== CACHE) await caches.delete(name);
  }
}

/**
 * The file of the shell that a request is for, if it is for one.
 * @param {Request} request
 */
function shellFile(request) {
  if (request.method !== "GET") return null;
  const plain = request.url.split(/[?#]/)[0] ?? "";
  const wanted = request.mode === "navigate" && plain.startsWith(START) ? START : plain;
  return ADDRESSES.has(wanted) ? wanted : null;
}

/**
 * From the cache; from the network only if the browser has thrown the cache away.
 * @param {string} file
 * @param {Request} request
 */
async function answer(file, request) {
  const kept = await caches.match(file, { cacheName: CACHE });
  return kept ?? fetch(request);
}
