// A link to a desk inside an address of this app: behind the #, which browsers send to nobody.

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
