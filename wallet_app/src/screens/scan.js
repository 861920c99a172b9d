// Scanning a code at a desk, or pasting a link.

import { go, say } from "../app.js";
import { h } from "../dom.js";
import { NoCamera, scan } from "../scanner.js";
import { takeUp } from "../taking.js";
import { t } from "../texts.js";
import { act } from "../app.js";
import { button, field, form, point } from "../ui.js";

export default function make() {
  const video = h("video", { class: "camera", playsinline: true, muted: true, "aria-label": t("scan.camera") });
  const link = h("textarea", { rows: "2", autocomplete: "off", autocapitalize: "none", spellcheck: "false", translate: "no" });
  let left = false;
  /** @type {() => void} */
  let stop = () => {};
  const start = async () => {
    try {
      stop = await scan(video, (text) => act(() => takeUp(text)));
      if (left) stop();
    } catch (error) {
      if (!(error instanceof NoCamera)) throw error;
      video.hidden = true;
      if (!left) say(t("scan.no-camera"));
    }
  };
  start();
  const paste = async () => {
    link.value = await navigator.clipboard.readText().catch(() => "");
    if (!link.value) say(t("scan.nothing"));
  };
  const canPaste = typeof navigator.clipboard?.readText === "function";
  return {
    title: t("scan.title"),
    body: [
      point("scan", t("scan.how")),
      video,
      form(
        [field(t("scan.link"), link), canPaste ? button("paste", t("scan.paste"), paste) : null],
        "yes",
        t("go.on"),
        () => takeUp(link.value),
      ),
    ],
    back: () => go("home"),
    onleave: () => {
      left = true;
      stop();
    },
  };
}
