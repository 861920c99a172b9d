// The recovery code, to be written down or printed: as a picture, as words, as numbers.

import { go } from "../app.js";
import { h } from "../dom.js";
import { written } from "../recovery.js";
import { t } from "../texts.js";
import { button, point } from "../ui.js";
import { qrPicture } from "../paper.js";

/** @param {{code: Uint8Array<ArrayBuffer>, first?: boolean}} given */
export default async function make({ code, first = false }) {
  const text = await written(code);
  const picture = await qrPicture(text.picture, t("code.picture"));
  return {
    title: t("code.title"),
    body: [
      point("key", t("code.about")),
      point("look", t("code.keep")),
      h("div", { class: "paper" }, picture, wordList(text)),
      button("print", t("code.print"), () => print()),
      button("yes", t("code.written"), () => go("trial", { code, first }), "main"),
      button("clock", t("code.later"), () => go("home")),
    ],
    bar: false,
    back: first ? null : () => go("more"),
    paper: true,
    spoken: [t("code.title"), t("code.about"), t("code.keep"), ...text.numbers.map((n) => [...n].join(" "))].join(".\n"),
  };
}

/** @param {import("../recovery.js").Written} text */
export function wordList({ words, numbers }) {
  const item = (/** @type {string} */ word, /** @type {number} */ place) =>
    h("li", null, h("span", { class: "number" }, numbers[place] ?? ""), h("span", { class: "word", translate: "no" }, word));
  return h("ol", { class: "words", "aria-label": t("code.words") }, words.map(item));
}
