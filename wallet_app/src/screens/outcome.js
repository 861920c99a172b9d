// What happened, in one or two sentences, and what can be done next.

import { Problem } from "../api.js";
import { go, wordsFor } from "../app.js";
import { has, t } from "../texts.js";
import { button, point } from "../ui.js";

/** @typedef {import("../ui.js").Pictogram} Pictogram */

/** @type {Record<string, Pictogram>} */
const SIGNS = {
  received: "yes",
  shown: "yes",
  "code-tried": "yes",
  "pin-changed": "yes",
  "closed-elsewhere": "yes",
  copied: "yes",
  "second-made": "yes",
  "card-made": "yes",
  "cards-ended": "yes",
  "said-no": "no",
  declined: "no",
  interrupted: "again",
};

/**
 * @param {{what?: string, problem?: unknown, again?: (() => Promise<unknown>) | null}} given
 */
export default function make({ what, problem, again }) {
  const key = what ?? kindOf(problem);
  const detail = what ? t(`outcome.${what}`) : wordsFor(problem);
  const retry = key === "refused" ? null : again; // it would be refused again
  const next = has(`outcome.${key}.next`) ? t(`outcome.${key}.next`) : null;
  return {
    title: t(`outcome.${key}.title`),
    body: [
      point(SIGNS[key] ?? "look", detail),
      next ? point("help", next) : null,
      retry ? button("again", t("go.again"), retry, "main") : null,
      button("card", t("outcome.home"), () => go("home"), retry ? "" : "main"),
    ],
    back: () => go("home"),
  };
}

/**
 * Refused by the wallet itself, or simply not possible just now.
 * @param {unknown} problem
 */
function kindOf(problem) {
  const refused = problem instanceof Problem && ["governance-denied", "verification-failed"].includes(problem.slug);
  return refused ? "refused" : "not-possible";
}
