// The recovery code, split among people she chooses: any so many of them together bring the
// wallet back, fewer learn nothing. It is the code on her paper, which goes on working.

import { post } from "../api.js";
import { go, say } from "../app.js";
import { h } from "../dom.js";
import { qrPicture } from "../paper.js";
import { codeReader } from "../reading.js";
import { asPart, combine, split, written } from "../recovery.js";
import { isOurs } from "../session.js";
import { t } from "../texts.js";
import { button, field, point } from "../ui.js";
import { wordList } from "./code.js";

const MOST = 7;

/** @param {{parts?: Uint8Array[], needed?: number}} given */
export default async function make({ parts, needed = 2 }) {
  return parts ? handOut(parts, needed) : ask();
}

function ask() {
  const [people, needed] = [choice(3), choice(2)];
  const reader = codeReader(t("people.split"), async (code) => {
    if (asPart(code) !== null || !(await isOurs(code))) return say(t("trial.wrong"));
    const [count, enough] = [Number(people.value), Number(needed.value)];
    const parts = await split(code, count, enough);
    if (!(await fits(parts.slice(-enough), code))) throw new Error("the parts do not fit together");
    await post("/recovery/tried", {}); // she has just typed it in
    return go("people", { parts, needed: enough });
  });
  const keepInOrder = () => {
    if (Number(needed.value) > Number(people.value)) needed.value = people.value;
  };
  people.addEventListener("change", keepInOrder);
  needed.addEventListener("change", keepInOrder);
  return {
    title: t("people.title"),
    body: [
      point("pieces", t("people.about")),
      point("look", t("people.trust")),
      point("again", t("people.before")),
      field(t("people.how-many"), people),
      field(t("people.needed"), needed),
      point("key", t("people.enter")),
      ...reader.body,
      button("new", t("people.no-code"), () => go("newcode")),
    ],
    back: () => go("more"),
    onleave: reader.stop,
  };
}

/**
 * @param {Uint8Array[]} parts
 * @param {number} needed
 */
async function handOut(parts, needed) {
  const sheets = await Promise.all(parts.map(async (part, place) => {
    const text = await written(part);
    const title = t("people.part", { number: place + 1, of: parts.length });
    return h("section", { class: "paper sheet" }, h("h2", null, title), h("p", null, t("people.for-keeper", { needed })), await qrPicture(text.picture, title), wordList(text));
  }));
  return {
    title: t("people.parts"),
    body: [point("pieces", t("people.give", { needed })), button("print", t("code.print"), () => print()), ...sheets, button("yes", t("go.done"), () => go("home"), "main")],
    bar: false,
    back: null,
    paper: true,
  };
}

/**
 * The parts are tried here, before they are handed out.
 * @param {Uint8Array<ArrayBuffer>[]} parts
 * @param {Uint8Array} code
 */
async function fits(parts, code) {
  const read = parts.map(asPart).filter((each) => each !== null);
  return String(await combine(read)) === String(code);
}

/** @param {number} chosen */
function choice(chosen) {
  const numbers = Array.from({ length: MOST - 1 }, (_, place) => place + 2);
  return h("select", null, numbers.map((each) => h("option", { value: each, selected: each === chosen }, String(each))));
}
