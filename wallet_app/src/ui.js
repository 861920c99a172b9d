// The pieces that screens are put together from.

import { act } from "./app.js";
import { h } from "./dom.js";
import { pictogram } from "./pictograms.js";
import { day, moment, t } from "./texts.js";

/** @typedef {import("./pictograms.js").Pictogram} Pictogram */
/** @typedef {import("./dom.js").Child} Child */

/**
 * A button that does something.
 * @param {Pictogram} sign
 * @param {string} words
 * @param {() => unknown} pressed
 * @param {string} [kind] "main": what most people come for
 */
export function button(sign, words, pressed, kind = "") {
  const onclick = () => act(async () => pressed());
  return h("button", { type: "button", class: kind, onclick }, pictogram(sign), h("span", null, words));
}

/**
 * A form with one thing to do; the Enter key does it, too.
 * @param {Child[]} fields
 * @param {Pictogram} sign
 * @param {string} words
 * @param {() => unknown} sent
 */
export function form(fields, sign, words, sent) {
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    act(async () => sent());
  };
  const go = h("button", { class: "main" }, pictogram(sign), h("span", null, words));
  return h("form", { onsubmit, novalidate: true, autocomplete: "off" }, fields, go);
}

let numbers = 0;

/**
 * @param {string} words
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} input
 * @param {string} [help]
 */
export function field(words, input, help) {
  input.id ||= `field-${++numbers}`;
  const helpId = `${input.id}-help`;
  if (help) input.setAttribute("aria-describedby", helpId);
  return h(
    "div",
    { class: "field" },
    h("label", { for: input.id }, words),
    help && h("p", { id: helpId, class: "help" }, help),
    input,
  );
}

/**
 * A field for a PIN: numbers; not readable, neither over a shoulder nor by what reads screens;
 * and a code of one use to browsers, which offer to keep passwords.
 */
export function pinInput() {
  return h("input", {
    class: "pin",
    type: "password",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: "6",
    spellcheck: "false",
    "data-lpignore": "true",
  });
}

/**
 * A heading with its pictogram, and what stands below it.
 * @param {Pictogram} sign
 * @param {string} words
 * @param {...(Child | Child[])} children
 */
export function part(sign, words, ...children) {
  return h("section", null, h("h2", null, pictogram(sign), h("span", null, words)), ...children);
}

/**
 * A sentence with a pictogram beside it.
 * @param {Pictogram} sign
 * @param {string} words
 */
export function point(sign, words) {
  return h("p", { class: "point" }, pictogram(sign), h("span", null, words));
}

/** @param {string[]} items */
export function list(items) {
  return h("ul", null, items.map((item) => h("li", null, item)));
}

/**
 * Labels and values.
 * @param {[string, string][]} pairs
 */
export function pairs(pairs) {
  return h("dl", null, pairs.map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))));
}

/**
 * @param {import("./types").Labelled} value
 */
export function valueWords(value) {
  if (value.kind === "none") return t("value.none");
  return value.kind === "date" ? day(value.value) : value.value;
}

/**
 * For whom a card is kept.
 * @param {number | null} number
 */
export function forWhom(number) {
  return number === null ? t("whom.me") : t("whom.other", { number });
}

/**
 * A row that leads further.
 * @param {Pictogram} sign
 * @param {string} words
 * @param {() => unknown} pressed
 * @param {string} [below]
 */
export function row(sign, words, pressed, below) {
  const text = h("span", null, words, below && h("small", null, below));
  return h("button", { type: "button", class: "row", onclick: () => act(async () => pressed()) }, pictogram(sign), text);
}

/**
 * The second question before something is deleted.
 * @param {string} question
 * @param {string} about what happens then
 * @param {() => unknown} yes
 * @param {() => unknown} no
 */
export function surely(question, about, yes, no) {
  const choice = h("div", { class: "choice" }, button("bin", t("card.delete-yes"), yes), button("no", t("go.no"), no, "main"));
  return part("bin", question, h("p", null, about), choice);
}

/**
 * How old the signed rules are that this phone judged by.
 * @param {string} issuedAt
 */
export function checked(issuedAt) {
  return h("p", { class: "help", "data-rules": "held" }, t("trust.checked", { time: moment(issuedAt) }));
}

/**
 * Why no yes is offered. The person in front did nothing wrong.
 * @param {import("./trusting.js").Refused} refusal
 */
export function refused({ step, reason }) {
  const words = reason ? t("trust.not-allowed") : t("trust.not-certain");
  const about = { "data-refused": step };
  return h("div", about, part("look", t("trust.refused"), h("p", null, words), point("help", t("trust.your-right"))));
}
