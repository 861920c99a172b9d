// Reading a recovery code, or a part of one: typed, or held before the camera.

import { say } from "./app.js";
import { h } from "./dom.js";
import { NoCode, read } from "./recovery.js";
import { t } from "./texts.js";
import { button, field, form } from "./ui.js";
import { viewfinder } from "./viewfinder.js";

/**
 * @param {string} words what the button says
 * @param {(code: Uint8Array<ArrayBuffer>) => Promise<unknown>} done
 */
export function codeReader(words, done) {
  const text = h("textarea", { rows: "4", autocomplete: "off", autocapitalize: "none", spellcheck: "false", translate: "no" });
  const camera = viewfinder((found) => {
    text.value = found;
    text.form?.requestSubmit();
  });
  const use = async (/** @type {string} */ said) => {
    try {
      await done(await read(said));
    } catch (error) {
      if (!(error instanceof NoCode)) throw error;
      say(t("recover.no-code"));
    }
  };
  const body = [
    button("scan", t("recover.scan"), camera.start),
    camera.video,
    form([field(t("recover.typed"), text, t("recover.typed-help"))], "yes", words, () => use(text.value)),
  ];
  const clear = () => {
    text.value = "";
  };
  return { body, clear, stop: camera.leave };
}
