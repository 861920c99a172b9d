// The cards, his own and those of others kept apart, and the way to the scanner.

import { get } from "../api.js";
import { go, takeWaiting } from "../app.js";
import { cardFace, inGroups } from "../cards.js";
import { h } from "../dom.js";
import { pictogram } from "../pictograms.js";
import { takeUp } from "../taking.js";
import { t } from "../texts.js";
import { forWhom, point, row } from "../ui.js";

/** @typedef {import("../types").Card} Card */
/** @typedef {import("../types").Offer | import("../types").Request} Waiting */

export default async function make() {
  const [{ items }, { items: pending }, setup] = await Promise.all([get("/credentials"), get("/pending"), get("/setup")]);
  const place = h("div", { id: "cards" }, groups(items));
  const link = takeWaiting();
  const away = new AbortController();
  withState(place, items, away.signal);
  return {
    title: t("home.title"),
    body: [
      h("button", { type: "button", class: "main large", onclick: () => go("scan") }, pictogram("scan"), h("span", null, t("home.scan"))),
      link === null ? null : row("scan", t("home.link-waits"), () => takeUp(link)),
      ...pending.map(stillWaiting),
      setup.recovery === "tried" ? null : row("key", t("home.no-code"), () => go(setup.recovery === "made" ? "trial" : "newcode"), t("home.no-code-help")),
      place,
    ],
    back: null,
    onleave: () => away.abort(),
  };
}

/** @param {Card[]} cards */
function groups(cards) {
  if (!cards.length) return [point("card", t("home.empty"))];
  const found = inGroups(cards);
  const one = found.length === 1 && found[0]?.number === null;
  return found.map(({ number, cards: mine }) =>
    h(
      "section",
      null,
      one ? null : h("h2", null, pictogram(number === null ? "person" : "other"), h("span", null, forWhom(number))),
      mine.map((card) => cardFace(card, () => go("card", { id: card.id }))),
    ),
  );
}

/**
 * Whether a card was withdrawn is asked of a public list, which may take a moment. Only what
 * changed is drawn anew, so that nobody loses her place in the list.
 * @param {Element} place
 * @param {Card[]} before
 * @param {AbortSignal} left
 */
async function withState(place, before, left) {
  const answer = await get("/credentials?state=true").catch(() => null);
  if (!answer || left.aborted) return;
  const states = (/** @type {Card[]} */ cards) => String(cards.map((card) => [card.id, card.state]));
  if (states(answer.items) === states(before)) return;
  const faces = [...place.querySelectorAll("button")];
  const focused = faces.findIndex((face) => face === document.activeElement);
  place.replaceChildren(...groups(answer.items));
  place.querySelectorAll("button")[focused]?.focus();
}

/** @param {Waiting} item */
function stillWaiting(item) {
  if (item.kind === "offer") return row("card", t("home.offer-waits", { who: item.who }), () => go("offer", { offer: item }), item.title);
  return row("eye", t("home.request-waits", { who: item.who }), () => go("request", { request: item }), item.title);
}
