// Cards as they look: the colours of their overlay, a discreet name, their state in words.

import { h } from "./dom.js";
import { pictogram } from "./pictograms.js";
import { day, t } from "./texts.js";

/** @typedef {import("./types").Card} Card */
/** @typedef {import("./types").Branding} Branding */

const SIGNS = /** @type {const} */ ({ valid: "yes", expired: "clock", revoked: "no" });

/**
 * What a card's state is called.
 * @param {Card} card
 */
function stateWords(card) {
  if (card.state === "expired" && card.expires_on) return t("state.expired-on", { day: day(card.expires_on) });
  return t(`state.${card.state}`);
}

/**
 * A card to press. Only its discreet name is on it, and what its overlay calls primary.
 * @param {Card} card
 * @param {() => void} pressed
 */
export function cardFace(card, pressed) {
  const face = h(
    "button",
    { type: "button", class: "card", "data-card": card.credential, "data-state": card.state, onclick: pressed },
    nameAndState(card),
    card.expires_on && card.state === "valid" ? h("span", { class: "until" }, t("card.until", { day: day(card.expires_on) })) : null,
  );
  paint(face, card.branding);
  return face;
}

/**
 * The same card at the head of its own screen.
 * @param {Card} card
 */
export function stillFace(card) {
  const face = h("p", { class: "card still", "data-state": card.state }, nameAndState(card));
  paint(face, card.branding);
  return face;
}

/** @param {Card} card */
function nameAndState(card) {
  return [h("span", { class: "name" }, card.display_name), h("span", { class: "state" }, pictogram(SIGNS[card.state]), stateWords(card))];
}

/**
 * The colours of an overlay, if they are colours, with letters that can be read on them.
 * @param {HTMLElement} face
 * @param {Branding | null} branding
 */
export function paint(face, branding) {
  if (!branding || !/^#[0-9a-f]{6}$/i.test(branding.background)) return;
  face.style.setProperty("--back", branding.background);
  face.style.setProperty("--front", luminance(branding.background) > 0.18 ? "#111" : "#fff");
}

/**
 * Relative luminance (WCAG 2.2).
 * @param {string} colour
 */
function luminance(colour) {
  const part = (/** @type {number} */ at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

/**
 * Her own first, then each other person's.
 * @param {Card[]} cards
 * @returns {{number: number | null, cards: Card[]}[]}
 */
export function inGroups(cards) {
  const numbers = [...new Set(cards.map((card) => card.held_for))];
  numbers.sort((one, other) => (one ?? 0) - (other ?? 0));
  return numbers.map((number) => ({ number, cards: cards.filter((card) => card.held_for === number) }));
}
