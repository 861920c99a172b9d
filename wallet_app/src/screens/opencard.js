// A card is read, and its PIN asked for: to open its wallet at a desk's device; or, right after
// it was made, to try it.

import { Problem } from "../api.js";
import { go, say } from "../app.js";
import { presentPin } from "../pin.js";
import { cardReader } from "../reading.js";
import { openCard, tryCard } from "../session.js";
import { t } from "../texts.js";
import { button, form, point } from "../ui.js";
import { refused } from "./locked.js";

/** @param {{digits?: string, made?: string}} given what was read; the card that is being made */
export default function make({ digits, made }) {
  return digits ? askPin(digits, made) : askCard(made);
}

/** @param {string} [made] */
function askCard(made) {
  const reader = cardReader(t("go.on"), async (digits) => {
    if (made && digits !== made) return say(t("opencard.another"));
    return go("opencard", { digits, made });
  });
  const back = () => (made ? go("newcard", { digits: made }) : go("kiosk"));
  return {
    title: t(made ? "opencard.try" : "opencard.title"),
    body: [made ? point("card", t("opencard.try-about")) : null, ...reader.body, made ? button("back", t("opencard.again"), back) : null],
    bar: false,
    back,
    onleave: reader.stop,
  };
}

/**
 * @param {string} digits
 * @param {string} [made]
 */
function askPin(digits, made) {
  const pin = presentPin();
  const open = async () => {
    const typed = pin.read();
    if (typed === null) return undefined;
    pin.clear();
    pin.input.focus();
    return made ? tried(typed) : opened(digits, typed);
  };
  return {
    title: t("opencard.pin"),
    body: [form([pin.field], "key", t(made ? "trial.check" : "locked.open"), open)],
    bar: false,
    back: () => go("opencard", { made }),
  };
}

/** @param {string} pin */
async function tried(pin) {
  if (await tryCard(pin)) return go("outcome", { what: "card-made" });
  return say(t("opencard.other-pin"));
}

/**
 * @param {string} digits
 * @param {string} pin
 */
async function opened(digits, pin) {
  try {
    await openCard(digits, pin);
  } catch (error) {
    if (!(error instanceof Problem) || ![401, 429].includes(error.status)) throw error;
    return say(refused(error));
  }
  return go("home");
}
