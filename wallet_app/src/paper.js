// Pictures of QR codes that are made here, so that what they hold goes nowhere.

import { loaded } from "./api.js";
import { h } from "./dom.js";

const BORDER = 4; // modules of white around it, as scanners need it

/**
 * @param {string} text
 * @param {string} words what the picture is, for who does not see it
 */
export async function qrPicture(text, words) {
  const { encodeQR } = await loaded(import("../vendor/qr-encode.js"), "../vendor/qr-encode.js");
  const rows = encodeQR(text, "raw", { ecc: "medium", border: BORDER });
  const size = rows.length;
  const canvas = h("canvas", { class: "qr", role: "img", "aria-label": words });
  const scale = Math.max(4, Math.floor(480 / size));
  canvas.width = canvas.height = size * scale;
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#000";
  rows.forEach((/** @type {boolean[]} */ row, /** @type {number} */ y) =>
    row.forEach((dark, x) => dark && context.fillRect(x * scale, y * scale, scale, scale)),
  );
  return canvas;
}
