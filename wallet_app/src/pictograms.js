// One small drawing for each action, beside its words: nothing depends on reading alone.

/** Strokes on a field of 24 by 24. */
const STROKES = {
  scan: "M4 8V5a1 1 0 0 1 1-1h3M16 4h3a1 1 0 0 1 1 1v3M20 16v3a1 1 0 0 1-1 1h-3M8 20H5a1 1 0 0 1-1-1v-3M8 8h3v3H8zM13 13h3v3h-3zM13 8h3M8 13v3",
  paste: "M9 4h6v3H9zM9 5H6v15h12V5h-3M9 12h6M9 16h4",
  card: "M3 6h18v12H3zM3 10h18M6 15h5",
  history: "M12 7v5l3 2M4 12a8 8 0 1 0 2.5-5.8M4 4v4h4",
  more: "M4 7h10M18 7h2M16 5v4M4 17h2M10 17h10M8 15v4M4 12h16",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 15v2",
  key: "M14 10a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM13.5 11.5 21 19v2h-3v-2h-2v-2",
  yes: "M5 13l4 4L19 7",
  no: "M6 6l12 12M18 6 6 18",
  eye: "M2 12s4-6 10-6 10 6 10 6-4 6-10 6S2 12 2 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
  hidden: "M3 3l18 18M6 7.5C3.500 9.300 2 12 2 12s4 6 10 6c1.700 0 3.200-.5 4.500-1.200M10 6.200A10 10 0 0 1 12 6c6 0 10 6 10 6s-.9 1.400-2.500 2.900",
  proven: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  speak: "M4 9v6h4l5 4V5L8 9zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11",
  back: "M15 5l-7 7 7 7",
  bin: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4 21c0-4 3.500-7 8-7s8 3 8 7",
  other: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM2 20c0-4 2.500-6 6-6s6 2 6 6M17.500 9a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM16 15.500c3.500-.5 5.500 1.500 5.500 4.500",
  place: "M4 21V9l8-5 8 5v12zM9 21v-6h6v6",
  look: "M12 3l9.500 17h-19zM12 9v5M12 16.500v.5",
  phone: "M7 3h10v18H7zM11 18h2",
  pieces: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  help: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.4-1 .9-1 1.700M12 16.500v.5",
  globe: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  save: "M12 4v10M8 11l4 4 4-4M5 19h14",
  send: "M3 7h8v14H3zM13 12h7M17 8l4 4-4 4M6 18h2",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM12 7v5l4 2",
  again: "M19 12a7 7 0 1 1-2-5M19 3v5h-5",
  new: "M12 5v14M5 12h14",
  stop: "M7 7h10v10H7z",
};

/** @typedef {keyof typeof STROKES} Pictogram */

/**
 * A pictogram. It stands beside words that say the same, so it is not read out itself.
 * @param {Pictogram} name
 */
export function pictogram(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "pictogram");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", STROKES[name]);
  svg.append(path);
  return svg;
}
