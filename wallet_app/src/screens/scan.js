// Scanning a code at a desk, or pasting a link.

import { act, go, say } from "../app.js";
import { h } from "../dom.js";
import { takeUp } from "../taking.js";
import { t } from "../texts.js";
import { button, field, form, point } from "../ui.js";
import { viewfinder } from "../viewfinder.js";

export default function make() {
  const camera = viewfinder((text) => act(() => takeUp(text)));
  const link = h("textarea", { rows: "2", autocomplete: "off", autocapitalize: "none", spellcheck: "false", translate: "no" });
  camera.start();
  const paste = async () => {
    link.value = await navigator.clipboard.readText().catch(() => "");
    if (!link.value) say(t("scan.nothing"));
  };
  const canPaste = typeof navigator.clipboard?.readText === "function";
  return {
    title: t("scan.title"),
    body: [
      point("scan", t("scan.how")),
      camera.video,
      form(
        [field(t("scan.link"), link), canPaste ? button("paste", t("scan.paste"), paste) : null],
        "yes",
        t("go.on"),
        () => takeUp(link.value),
      ),
    ],
    back: () => go("home"),
    onleave: camera.leave,
  };
}
