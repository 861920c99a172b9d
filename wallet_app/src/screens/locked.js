// Locked: the PIN opens it. Nothing here tells what is inside, or whether there is one PIN.

import { Problem } from "../api.js";
import { go, say, wordsFor } from "../app.js";
import { presentPin } from "../pin.js";
import { unlock } from "../session.js";
import { duration, t } from "../texts.js";
import { button, form, point } from "../ui.js";

/** @param {{why?: string}} given */
export default function make({ why }) {
  const pin = presentPin();
  const open = async () => {
    const typed = pin.read();
    if (typed === null) return;
    try {
      await unlock(typed);
    } catch (error) {
      pin.clear();
      if (!(error instanceof Problem) || ![401, 429].includes(error.status)) throw error;
      pin.input.focus();
      say(refused(error));
      return;
    }
    // a link that waits is only told of there: what it says is for one wallet and not another
    await go("home");
  };
  return {
    title: t("locked.title"),
    body: [
      why ? point("lock", t(why)) : null,
      form([pin.field], "key", t("locked.open"), open),
      button("help", t("locked.forgot"), () => go("recover")),
      button("globe", t("language.title"), () => go("language", { next: "locked" })),
    ],
    bar: false,
    back: null,
  };
}

/**
 * What a PIN that opened nothing is answered.
 * @param {Problem} problem
 */
export function refused(problem) {
  if (problem.code === "too-many-requests") return wordsFor(problem);
  if (problem.wait) return t("locked.wait", { time: duration(problem.wait) });
  if (problem.left !== null) return t("locked.wrong-left", { left: problem.left });
  return t("locked.wrong");
}
