// A request: who asks and whether they may, what would be shown, what only proven, what stays
// hidden, for whom, and how long it is kept. Then yes or no.

import { get, post } from "../api.js";
import { go } from "../app.js";
import { h } from "../dom.js";
import { pictogram } from "../pictograms.js";
import { settle } from "../settling.js";
import { takeUp } from "../taking.js";
import { ofRequest } from "../trusting.js";
import { duration, t } from "../texts.js";
import { button, checked, forWhom, list, pairs, part, point, refused, valueWords } from "../ui.js";

/** @typedef {import("../types").Request} Request */
/** @typedef {import("../types").Asked} Asked */
/** @typedef {import("../types").Card} Card */
/** @typedef {import("../types").Choice} Choice */

/** @param {{request: Request}} given */
export default async function make({ request }) {
  const path = `/requests/${request.id}`;
  const [{ items }, trust] = await Promise.all([get("/credentials"), ofRequest(request)]);
  /** @type {Card[]} */
  const cards = items;
  const seen = h("div", { id: "asked" });
  let [choice] = request.choices;
  const show = (/** @type {Choice | undefined} */ chosen) => {
    choice = chosen;
    seen.replaceChildren(...asked(request, chosen, cards));
  };
  show(choice);
  const doubt = h("div", { role: "status" });
  const left = new AbortController();
  const warn = async () => {
    const told = await get("/credentials?state=true").catch(() => ({ items: [] }));
    const used = Object.values(choice?.credentials ?? {});
    const ended = told.items.some((/** @type {Card} */ card) => card.state === "revoked" && used.includes(card.id));
    if (ended && !left.signal.aborted) doubt.replaceChildren(point("look", t("request.withdrawn")));
  };
  warn();
  const answer = async () => {
    // the rules may have changed while this was read
    if (!(trust.trusted && (await trust.still()))) return go("request", { request });
    return settle({
      id: request.id,
      event: "shown",
      send: () => post(`${path}/accept`, { choice: choice?.credentials ?? null }),
      done: "shown",
    });
  };
  const decline = () => settle({ id: request.id, event: "declined", send: () => post(`${path}/decline`), done: "said-no" });
  return {
    title: t("request.title"),
    body: [
      ...(trust.trusted ? asker(trust) : [refused(trust)]),
      request.can_answer ? chooser(request, cards, show) : obstacles(request),
      ...otherWays(request, cards),
      doubt,
      seen,
      part("clock", t("request.kept"), h("p", null, kept(request.retention_seconds))),
      point("help", t("request.nothing-yet")),
      h(
        "div",
        { class: "choice always" },
        button("no", t("request.decline"), decline),
        request.can_answer && trust.trusted ? button("yes", t("request.accept"), answer, "main") : null,
      ),
    ],
    bar: false,
    back: () => go("home"),
    onleave: () => left.abort(),
  };
}

/**
 * Who asks and what for, in the words of the rules that this phone holds.
 * @param {import("../trusting.js").Trusted} trust
 */
function asker({ who, title, description, issuedAt }) {
  return [
    part("place", t("request.who"), h("p", { class: "who" }, who), point("proven", t("request.recognised")), checked(issuedAt)),
    part("help", t("request.about"), h("p", { class: "who" }, title), h("p", null, description)),
  ];
}

/**
 * Who keeps cards for others can answer for herself or for them.
 * @param {Request} request
 * @param {Card[]} cards
 */
function otherWays(request, cards) {
  const { link } = request;
  const forOthers = cards.some((card) => card.held_for !== null);
  if (link === null || !forOthers) return [];
  const now = request.choices[0]?.held_for ?? null;
  const words = t(now === null ? "request.for-another" : "request.for-me");
  return request.other_variants.map((variant) => button(now === null ? "other" : "person", words, () => takeUp(link, undefined, variant)));
}

/** @param {number} seconds */
export function kept(seconds) {
  return seconds <= 0 ? t("kept.none") : t("kept.for", { time: duration(seconds) });
}

/** @param {Request} request */
function obstacles({ obstacles: found }) {
  return part("look", t("request.cannot"), list([...new Set(found.map((each) => each.explanation))]), point("help", t("request.cannot-help")));
}

/**
 * For whom, and with which cards. One way to answer is only said; several are offered.
 * @param {Request} request
 * @param {Card[]} cards
 * @param {(choice: Choice) => void} chosen
 */
function chooser(request, cards, chosen) {
  const [only] = request.choices;
  if (!only) return null;
  if (request.choices.length === 1) return part(only.held_for === null ? "person" : "other", t("request.for"), h("p", null, forWhom(only.held_for)));
  const option = (/** @type {Choice} */ choice, /** @type {number} */ place) =>
    h(
      "label",
      { class: "option" },
      h("input", { type: "radio", name: "choice", checked: place === 0, onchange: () => chosen(choice) }),
      pictogram(choice.held_for === null ? "person" : "other"),
      h("span", null, h("strong", null, forWhom(choice.held_for)), h("small", null, named(choice, cards))),
    );
  return h("fieldset", null, h("legend", null, t("request.choose")), request.choices.map(option));
}

/**
 * @param {Choice} choice
 * @param {Card[]} cards
 */
function named(choice, cards) {
  const used = Object.values(choice.credentials).map((id) => cards.find((card) => card.id === id));
  return used.map((card) => (card ? `${card.title} (${card.who})` : "")).filter(Boolean).join(", ");
}

/**
 * @param {Request} request
 * @param {Choice | undefined} choice
 * @param {Card[]} cards
 */
function asked(request, choice, cards) {
  const of = (/** @type {"shown" | "proven" | "hidden"} */ kind) => request.asks.flatMap((ask) => ask[kind].map((each) => ({ ask, each })));
  const cardOf = (/** @type {Asked} */ ask) => cards.find((card) => card.id === choice?.credentials[ask.part]);
  const valueOf = (/** @type {Asked} */ ask, /** @type {string} */ attribute) => {
    const value = cardOf(ask)?.values.find((each) => each.attribute === attribute);
    return value ? valueWords(value) : "";
  };
  const shown = of("shown").map(({ ask, each }) => /** @type {[string, string]} */ ([each.label, valueOf(ask, each.attribute)]));
  const once = new Map(shown.map((pair) => [pair.join("\n"), pair]));
  const labels = (/** @type {"proven" | "hidden"} */ kind) => [...new Set(of(kind).map(({ each }) => each.label))];
  return [
    part("eye", t("request.shown"), once.size ? pairs([...once.values()]) : h("p", null, t("request.shown-nothing"))),
    labels("proven").length ? part("proven", t("request.proven"), h("p", { class: "help" }, t("request.proven-help")), list(labels("proven"))) : null,
    choice && labels("hidden").length ? part("hidden", t("request.hidden"), folded(labels("hidden"))) : null,
  ].filter((each) => each !== null);
}

const SHORT = 6;

/**
 * A long list is folded away: what matters is that it is not seen.
 * @param {string[]} labels
 */
function folded(labels) {
  if (labels.length <= SHORT) return list(labels);
  return h("details", null, h("summary", null, pictogram("hidden"), t("request.hidden-count", { count: labels.length })), list(labels));
}
