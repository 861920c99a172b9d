// Bytes, digits, and their text forms.

/** @param {number} length */
export function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/** @param {Uint8Array} bytes */
export function toText(bytes) {
  const binary = Array.from(bytes, (each) => String.fromCharCode(each)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text unpadded base64url */
export function fromText(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (each) => each.charCodeAt(0));
}

/** @param {string} text */
export function utf8(text) {
  return new TextEncoder().encode(text);
}

/** Digits of other scripts count as the digits they are. */
const SCRIPTS = ["០១២៣៤៥៦៧៨៩", "٠١٢٣٤٥٦٧٨٩"];

/**
 * Digits of any script as the digits they are.
 * @param {string} typed
 */
export function digitsOf(typed) {
  const ours = (/** @type {string} */ each) => {
    const script = SCRIPTS.find((digits) => digits.includes(each));
    return script ? String(script.indexOf(each)) : each;
  };
  return Array.from(typed.trim(), ours).join("");
}
