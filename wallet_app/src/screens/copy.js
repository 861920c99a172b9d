// A copy of everything, as a file on this phone: hers to keep, and readable by whoever finds it.

import { get } from "../api.js";
import { go } from "../app.js";
import { h } from "../dom.js";
import { presentPin } from "../pin.js";
import { check } from "../session.js";
import { moment, t } from "../texts.js";
import { form, point, valueWords } from "../ui.js";

/** @typedef {import("../types").Card} Card */
/** @typedef {import("../types").Receipt} Receipt */

export default function make() {
  const pin = presentPin();
  const save = async () => {
    const typed = pin.read();
    if (typed === null) return;
    await check(typed);
    const [{ items: cards }, { items: receipts }] = await Promise.all([get("/credentials?state=true"), get("/history")]);
    offer(asText(cards, receipts));
    await go("outcome", { what: "copied" });
  };
  return {
    title: t("copy.title"),
    body: [point("save", t("copy.about")), point("look", t("copy.readable")), form([pin.field], "save", t("copy.save"), save)],
    back: () => go("more"),
  };
}

/**
 * @param {Card[]} cards
 * @param {Receipt[]} receipts
 */
function asText(cards, receipts) {
  const card = (/** @type {Card} */ each) => [each.title, each.who, ...each.values.map((value) => `${value.label}: ${valueWords(value)}`)].join("\n");
  const receipt = (/** @type {Receipt} */ each) =>
    [`${moment(each.at)} · ${t(`history.${each.event}`, { who: each.who })}`, each.title, ...each.shown.map((label) => `${t("receipt.what-shown")}: ${label}`), ...each.proven.map((label) => `${t("receipt.what-proven")}: ${label}`)].join("\n");
  return [t("home.title"), ...cards.map(card), t("history.title"), ...receipts.map(receipt)].join("\n\n");
}

/** @param {string} text */
function offer(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = h("a", { href: address, download: `${t("copy.file")}.txt` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
