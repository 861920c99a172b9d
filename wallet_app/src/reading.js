// Reading a recovery code, a part of one, or a card: typed, or held before the camera.

import { say } from "./app.js";
import { NoCard, readCard } from "./carrying.js";
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
  return reader(words, done, read, { scan: "recover.scan", typed: "recover.typed", help: "recover.typed-help", wrong: "recover.no-code" });
}

/**
 * @param {string} words what the button says
 * @param {(digits: string) => Promise<unknown>} done
 */
export function cardReader(words, done) {
  return reader(words, done, readCard, { scan: "opencard.scan", typed: "opencard.typed", help: "opencard.typed-help", wrong: "opencard.no-card" });
}

/**
 * @template Code
 * @param {string} words
 * @param {(code: Code) => Promise<unknown>} done
 * @param {(text: string) => Promise<Code>} read
 * @param {{scan: string, typed: string, help: string, wrong: string}} says
 */
function reader(words, done, read, says) {
  const text = h("textarea", { rows: "4", autocomplete: "off", autocapitalize: "none", spellcheck: "false", translate: "no" });
  const camera = viewfinder((found) => {
    text.value = found;
    text.form?.requestSubmit();
  });
  const use = async (/** @type {string} */ said) => {
    try {
      await done(await read(said));
    } catch (error) {
      if (!(error instanceof NoCode || error instanceof NoCard)) throw error;
      say(t(says.wrong));
    }
  };
  const body = [
    button("scan", t(says.scan), camera.start),
    camera.video,
    form([field(t(says.typed), text, t(says.help))], "yes", words, () => use(text.value)),
  ];
  const clear = () => {
    text.value = "";
  };
  return { body, clear, stop: camera.leave };
}
