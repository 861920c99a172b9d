// The rules for a PIN, and the fields in which one is chosen.

import { say } from "./app.js";
import { digitsOf } from "./bytes.js";
import { t } from "./texts.js";
import { field, pinInput } from "./ui.js";

/** What somebody who knows her would try first. */
const EASY = [/^(\d)\1+$/, /^(\d\d)\1+$/, /^(\d\d\d)\1$/];
const RUNS = ["01234567890", "09876543210"];

/**
 * The text that says what is wrong with a new PIN; null if nothing is.
 * @param {string} pin
 * @param {string} repeated
 */
export function faultOf(pin, repeated) {
  if (!/^\d{6}$/.test(pin)) return "pin.six";
  if (EASY.some((each) => each.test(pin)) || RUNS.some((run) => run.includes(pin))) return "pin.easy";
  return pin === repeated ? null : "pin.differ";
}

/**
 * Two fields for a new PIN. `read` answers it, or says what is wrong and answers null.
 * @param {string} words
 */
export function chosenPin(words) {
  const [first, second] = [pinInput(), pinInput()];
  const read = () => {
    const [pin, repeated] = [digitsOf(first.value), digitsOf(second.value)];
    const fault = faultOf(pin, repeated);
    if (fault === null) return pin;
    say(t(fault));
    const wrong = fault === "pin.differ" ? second : first;
    wrong.focus();
    return null;
  };
  return { fields: [field(words, first, t("pin.rule")), field(t("pin.again"), second)], read };
}

/** One field for the PIN that there is. */
export function presentPin() {
  const input = pinInput();
  const read = () => {
    const pin = digitsOf(input.value);
    if (/^\d{6}$/.test(pin)) return pin;
    say(t("pin.six"));
    input.focus();
    return null;
  };
  const clear = () => {
    input.value = "";
  };
  return { field: field(t("pin.now"), input), read, clear, input };
}
