// One receipt: to whom, what for, what was shown and what only proven. It holds no values.

import { remove } from "../api.js";
import { go } from "../app.js";
import { h } from "../dom.js";
import { moment, t } from "../texts.js";
import { button, list, part, point, surely } from "../ui.js";
import { kept } from "./request.js";

/** @param {{receipt: import("../types").Receipt, sure?: boolean}} given */
export default function make({ receipt, sure = false }) {
  const away = async () => {
    await remove(`/history/${receipt.id}`);
    await go("history");
  };
  return {
    title: receipt.title,
    body: [
      part("clock", t("receipt.when"), h("p", null, moment(receipt.at))),
      part("place", t(`receipt.${receipt.event}`), h("p", { class: "who" }, receipt.who)),
      receipt.held_for_other ? point("other", t("receipt.for-other")) : null,
      receipt.shown.length ? part("eye", t("receipt.what-shown"), list(receipt.shown)) : null,
      receipt.proven.length ? part("proven", t("receipt.what-proven"), list(receipt.proven)) : null,
      receipt.retention_seconds === null ? null : part("clock", t("request.kept"), h("p", null, kept(receipt.retention_seconds))),
      sure
        ? surely(t("receipt.delete-sure"), t(receipt.event === "received" ? "receipt.delete-received" : "receipt.delete-about"), away, () => go("receipt", { receipt }))
        : button("bin", t("receipt.delete"), () => go("receipt", { receipt, sure: true })),
    ],
    back: () => go("history"),
  };
}
