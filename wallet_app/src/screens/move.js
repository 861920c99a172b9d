// Moving to a wallet of another maker: each giver is asked to issue anew there; then the card
// here ends. What cannot move is said.

import { get, post, unheard } from "../api.js";
import { go } from "../app.js";
import { h } from "../dom.js";
import { pictogram } from "../pictograms.js";
import { t } from "../texts.js";
import { button, list, part, point } from "../ui.js";

/** @typedef {import("../types").Move} Move */
/** @typedef {import("../types").Card} Card */

export default async function make() {
  const [{ items: moves }, { items: cards }] = await Promise.all([get("/moves"), get("/credentials")]);
  const cardOf = (/** @type {Move} */ move) => cards.find((/** @type {Card} */ card) => card.id === move.credential_id);
  return {
    title: t("move.title"),
    body: [
      point("send", t("move.about")),
      point("place", t("move.desk")),
      ...moves.map((/** @type {Move} */ move) => entry(move, cardOf(move))),
      part("look", t("move.stays"), list([t("move.stays-history"), t("move.stays-code"), t("move.stays-protection")])),
    ],
    back: () => go("more"),
  };
}

/**
 * @param {Move} move
 * @param {Card | undefined} card
 */
function entry(move, card) {
  if (!card) return null;
  const ask = async () => {
    await post(`/credentials/${card.id}/move`).catch(unheard);
    await go("move");
  };
  const reason = move.state === "not-possible" ? t(`move.${move.reason ?? "not-possible"}`) : t(`move.${move.state}`);
  return h(
    "section",
    null,
    h("h2", null, pictogram("card"), h("span", null, card.title)),
    h("p", null, card.who),
    h("p", { role: "status" }, reason),
    move.state === "possible" ? button("send", t("move.ask"), ask) : null,
  );
}
