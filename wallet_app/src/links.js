// A link to a desk inside an address of this app: behind the #, which browsers send to nobody.

/**
 * What an address of this app ends with to hold a link.
 * @param {string} link
 */
export function holding(link) {
  return `#l=${encodeURIComponent(link)}`;
}

/**
 * The link that an address holds; null if it holds none.
 * @param {string} address
 */
export function linkIn(address) {
  const inside = /[#&]l=([^&]+)/.exec(address)?.[1];
  try {
    return inside ? decodeURIComponent(inside) : null;
  } catch {
    return null; // not one that we or a desk made
  }
}
