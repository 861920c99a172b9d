"""What a browser keeps of a page: everything a script could find in it, laid open."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

# every value of every store, bytes as {bytes: base64}; of a key, whether it can be read out
_READ = """
async () => {
  const b64 = (buffer) => {
    const bytes = new Uint8Array(buffer);
    let text = "";
    for (const each of bytes) text += String.fromCharCode(each);
    return { bytes: btoa(text) };
  };
  const exported = async (key) => {
    const tried = {};
    for (const form of ["raw", "jwk", "pkcs8", "spki"]) {
      tried[form] = await crypto.subtle.exportKey(form, key).then(() => "read", (e) => e.name);
    }
    return tried;
  };
  const plain = async (value) => {
    if (value instanceof CryptoKey) {
      const { type, extractable, usages } = value;
      return { cryptoKey: { type, extractable, usages, exported: await exported(value) } };
    }
    if (value instanceof ArrayBuffer) return b64(value);
    if (ArrayBuffer.isView(value)) return b64(value.buffer);
    if (Array.isArray(value)) return Promise.all(value.map(plain));
    if (value === null || typeof value !== "object") return value;
    const found = {};
    for (const [name, each] of Object.entries(value)) found[name] = await plain(each);
    return found;
  };
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const databases = {};
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    databases[name] = {};
    for (const each of database.objectStoreNames) {
      const store = database.transaction(each).objectStore(each);
      const [keys, values] = [done(store.getAllKeys()), done(store.getAll())];
      databases[name][each] = {};
      for (const [place, key] of (await keys).entries()) {
        databases[name][each][String(key)] = await plain((await values)[place]);
      }
    }
    database.close();
  }
  const cached = {};
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      cached[`${name} ${request.url}`] = b64(await answer.arrayBuffer());
    }
  }
  const fields = (root) => [...root.querySelectorAll("*")].flatMap((each) => [
    ...(each.value === undefined ? [] : [String(each.value)]),
    ...(each.shadowRoot ? [each.shadowRoot.innerHTML, ...fields(each.shadowRoot)] : []),
  ]);
  return {
    local: { ...localStorage },
    session: { ...sessionStorage },
    cookies: document.cookie,
    databases,
    cached,
    page: {
      html: document.documentElement.outerHTML,
      fields: fields(document),
      title: document.title,
      address: location.href,
      name: window.name,
      state: JSON.stringify(history.state) ?? "",
      marks: performance.getEntriesByType("resource").map((each) => each.name),
    },
  };
}
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one look found, as it was found."""

    found: Mapping[str, Any]

    @property
    def pieces(self) -> list[bytes]:
        """Every value and every name, as bytes to be searched."""
        return list(_pieces(self.found))

    def told(self, planted: Mapping[str, str]) -> set[str]:
        """The names of the planted values that stand anywhere; never the values."""
        return told(b"\x00".join(self.pieces), planted)


async def kept_by(page: Page) -> Kept:
    """Look at a page and at the storage of its origin."""
    found = await page.evaluate(_READ)
    found["jar"] = [str(each) for each in await page.context.cookies()]
    found["state"] = str(await page.context.storage_state())
    return Kept(found)


def told(content: bytes, planted: Mapping[str, str]) -> set[str]:
    """The names of the planted values that stand in it, in any form; never the values."""
    return {name for name, value in planted.items() if stands_in(content, value)}


def stands_in(content: bytes, value: str) -> bool:
    """Whether a value is there. A few digits count only by themselves: within a longer number,
    a digest or a fraction of a second they would be found by chance."""
    if value.isdigit() and len(value) < 10:
        alone = rb"(?<![0-9A-Za-z_.-])" + value.encode() + rb"(?![0-9A-Za-z_-])"
        return re.search(alone, content) is not None
    return any(form in content for form in forms(value))


def forms(value: str) -> set[bytes]:
    """A value as it may be written: text, and if it is base64url, its bytes in other forms."""
    written = {value.encode()}
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return written
    if len(raw) >= 16:
        written |= {raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"=")}
    return written


def _pieces(found: object) -> Iterator[bytes]:
    if isinstance(found, Mapping):
        if set(found) == {"bytes"}:
            yield base64.b64decode(found["bytes"])
            return
        for name, each in found.items():
            yield str(name).encode()
            yield from _pieces(each)
    elif isinstance(found, Iterable) and not isinstance(found, str):
        for each in found:
            yield from _pieces(each)
    else:
        yield str(found).encode()
