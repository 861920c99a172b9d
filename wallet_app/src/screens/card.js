// One card: everything on it, who gave it, its state; and deleting it.

import { get, remove } from "../api.js";
import { go } from "../app.js";
import { stillFace } from "../cards.js";
import { h } from "../dom.js";
import { day, t } from "../texts.js";
import { button, forWhom, pairs, part, point, surely, valueWords } from "../ui.js";

/** @typedef {import("../types").Card} Card */

/** @param {{id: string, sure?: boolean}} given */
export default async function make({ id, sure = false }) {
  /** @type {Card[]} */
  const cards = (await get("/credentials?state=true")).items;
  const card = cards.find((each) => each.id === id);
  if (!card) return { title: t("card.gone"), body: [button("card", t("outcome.home"), () => go("home"), "main")], back: () => go("home") };
  return {
    title: card.title,
    body: [
      stillFace(card),
      card.state === "valid" ? null : point("look", t(`state.${card.state}-help`)),
      card.about ? h("p", null, card.about) : null,
      part("place", t("card.who"), h("p", { class: "who" }, card.who)),
      card.held_for === null ? null : part("other", t("request.for"), h("p", null, forWhom(card.held_for))),
      part("eye", t("card.values"), pairs([...dates(card), ...card.values.map((each) => /** @type {[string, string]} */ ([each.label, valueWords(each)]))])),
      card.help ? point("help", card.help) : null,
      sure ? confirm(id) : button("bin", t("card.delete"), () => go("card", { id, sure: true })),
    ],
    back: () => go("home"),
  };
}

/**
 * @param {Card} card
 * @returns {[string, string][]}
 */
function dates(card) {
  return card.issued_on ? [[t("card.issued"), day(card.issued_on)]] : [];
}

/** @param {string} id */
function confirm(id) {
  const away = async () => {
    await remove(`/credentials/${id}`);
    await go("home");
  };
  return surely(t("card.delete-sure"), t("card.delete-about"), away, () => go("card", { id }));
}
