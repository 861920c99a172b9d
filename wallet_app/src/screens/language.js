// Choosing the language. Each is named in itself.

import { act, go } from "../app.js";
import { h } from "../dom.js";
import { pictogram } from "../pictograms.js";
import { LANGUAGES, language, t, use } from "../texts.js";

const NAMES = { en: "English", es: "Español", km: "ខ្មែរ" };

/** @param {{next?: string}} given */
export default function make({ next = "more" }) {
  return {
    title: t("language.title"),
    body: [languageButtons(next)],
    back: () => go(next),
  };
}

/**
 * A button for each language; the screen `next` follows, in that language.
 * @param {string} next
 */
export function languageButtons(next) {
  const choose = async (/** @type {typeof LANGUAGES[number]} */ wanted) => {
    await use(wanted);
    await go(next);
  };
  const one = (/** @type {typeof LANGUAGES[number]} */ each) =>
    h(
      "button",
      {
        type: "button",
        lang: each,
        "aria-pressed": String(each === language()),
        onclick: () => act(() => choose(each)),
      },
      h("span", null, NAMES[each]),
    );
  return h("div", { class: "languages" }, pictogram("globe"), LANGUAGES.map(one));
}
