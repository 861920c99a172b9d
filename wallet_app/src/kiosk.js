// At a desk's own device, for who has no phone or no safe one: the same app at another address,
// which keeps nothing. What is known of her is in this page's memory, and goes with the page.

/** Whether this is such a device; decided by the address, so that a reload changes nothing. */
export const KIOSK = location.pathname.endsWith("/kiosk");
