// Reading a recovery code, or a part of one: typed, or held before the camera.

import { say } from "./app.js";
import { h } from "./dom.js";
import { NoCode, read } from "./recovery.js";
import { NoCamera, scan } from "./scanner.js";
import { t } from "./texts.js";
import { button, field, form } from "./ui.js";

/**
 * @param {string} words what the button says
 * @param {(code: Uint8Array<ArrayBuffer>) => Promise<unknown>} done
 */
export function codeReader(words, done) {
  const text = h("textarea", { rows: "4", autocomplete: "off", autocapitalize: "none", spellcheck: "false", translate: "no" });
  const video = h("video", { class: "camera", playsinline: true, muted: true, hidden: true, "aria-label": t("scan.camera") });
  /** @type {() => void} */
  let stop = () => {};
  let left = false;
  const use = async (/** @type {string} */ said) => {
    try {
      await done(await read(said));
    } catch (error) {
      if (!(error instanceof NoCode)) throw error;
      say(t("recover.no-code"));
    }
  };
  const look = async () => {
    stop();
    video.hidden = false;
    try {
      stop = await scan(video, (found) => {
        video.hidden = true;
        text.value = found;
        text.form?.requestSubmit();
      });
      if (left) stop();
    } catch (error) {
      if (!(error instanceof NoCamera)) throw error;
      video.hidden = true;
      say(t("scan.no-camera"));
    }
  };
  const body = [
    button("scan", t("recover.scan"), look),
    video,
    form([field(t("recover.typed"), text, t("recover.typed-help"))], "yes", words, () => use(text.value)),
  ];
  const clear = () => {
    text.value = "";
  };
  const leave = () => {
    left = true;
    stop();
  };
  return { body, clear, stop: leave };
}
