// One card: everything on it, who gave it, its state; and deleting it.

import { get, remove } from "../api.js";
import { go } from "../app.js";
import { paint, stateWords } from "../cards.js";
import { h } from "../dom.js";
import { pictogram } from "../pictograms.js";
import { day, t } from "../texts.js";
import { button, forWhom, pairs, part, point, valueWords } from "../ui.js";

/** @typedef {import("../types").Card} Card */

/** @param {{id: string, sure?: boolean}} given */
export default async function make({ id, sure = false }) {
  /** @type {Card[]} */
  const cards = (await get("/credentials?state=true")).items;
  const card = cards.find((each) => each.id === id);
  if (!card) return { title: t("card.gone"), body: [button("card", t("outcome.home"), () => go("home"), "main")], back: () => go("home") };
  const face = h("p", { class: "card still", "data-state": card.state }, h("span", { class: "name" }, card.display_name), h("span", { class: "state" }, pictogram(card.state === "valid" ? "yes" : card.state === "expired" ? "clock" : "no"), stateWords(card)));
  paint(face, card.branding);
  return {
    title: card.title,
    body: [
      face,
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
  return part(
    "bin",
    t("card.delete-sure"),
    h("p", null, t("card.delete-about")),
    h("div", { class: "choice" }, button("bin", t("card.delete-yes"), away), button("no", t("go.no"), () => go("card", { id }), "main")),
  );
}
