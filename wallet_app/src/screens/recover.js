// A wallet brought back: by its recovery code, or by enough parts of it.

import { go, say } from "../app.js";
import { h } from "../dom.js";
import { KIOSK } from "../kiosk.js";
import { codeReader } from "../reading.js";
import { asPart, combine } from "../recovery.js";
import { isSetUp, openingOf } from "../session.js";
import { t } from "../texts.js";
import { button, point } from "../ui.js";

/** @typedef {import("../recovery.js").Part} Part */

export default async function make() {
  const setUp = await isSetUp();
  /** @type {Part[]} */
  let parts = [];
  const count = h("p", { role: "status" });
  const open = async (/** @type {Uint8Array<ArrayBuffer>} */ code) => {
    await openingOf(code);
    await go("newpin", { code });
  };
  const reader = codeReader(t("go.on"), async (code) => {
    const part = asPart(code);
    if (part === null) return open(code);
    parts = added(parts, part);
    reader.clear();
    count.textContent = t("recover.parts", { have: parts.length, needed: part.needed });
    if (parts.length < part.needed) return say("");
    const whole = await combine(parts);
    parts = [];
    return open(whole);
  });
  return {
    title: t("recover.title"),
    body: [point("key", t("recover.about")), ...reader.body, count, point("pieces", t("recover.people")), setUp ? button("new", t("recover.neither"), () => go("anew")) : null],
    bar: false,
    back: () => go(KIOSK ? "kiosk" : setUp ? "locked" : "start"),
    onleave: reader.stop,
  };
}

/**
 * @param {Part[]} parts
 * @param {Part} part
 */
function added(parts, part) {
  const [first] = parts;
  if (first && first.set !== part.set) return [part]; // of another time: begin with these
  const same = (/** @type {Part} */ each) => String(each.share) === String(part.share);
  return parts.some(same) ? parts : [...parts, part];
}
