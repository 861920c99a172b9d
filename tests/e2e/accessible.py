"""What can be measured of whether everybody can use a page: axe-core, its width, pictures.

axe-core finds perhaps a third of what stands in somebody's way; the pictures, in build/screens,
are for a person to look at: a run by hand takes them.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from playwright.async_api import Page

# A picture takes as long as all that is measured, and in CI nobody looks at it.
TAKES_PICTURES = os.environ.get("CI") != "true"
SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
WIDTHS = (360, 768)
_SIZE = {360: 740, 768: 1024}  # height of a screen of that width

# Colours are measured as they are when nothing fades in any more.
_STILL = (
    "() => Promise.all(document.getAnimations().map((each) => each.finished.catch(() => 0)))"
)

# An element is outside when a person would have to move the page sideways to see it all. What
# one of its parents cuts off or scrolls by itself is not, nor what is only for screen readers.
_OUTSIDE = """
() => {
  const page = document.scrollingElement;
  const width = document.documentElement.clientWidth;
  const overflow = (element) => getComputedStyle(element).overflowX;
  const kept = (element) => {
    for (let above = element.parentElement; above; above = above.parentElement) {
      if (overflow(above) !== "visible" && above !== document.body) return true;
    }
    return false;
  };
  const named = (element) => {
    const id = element.id ? "#" + element.id : "";
    const classes = [...element.classList].map((each) => "." + each).join("");
    const words = (element.textContent || "").trim().slice(0, 40);
    return `${element.tagName.toLowerCase()}${id}${classes} "${words}"`;
  };
  const found = [];
  if (page.scrollWidth > page.clientWidth)
    found.push(`the page scrolls sideways: ${page.scrollWidth} > ${page.clientWidth}`);
  for (const element of document.body.querySelectorAll("*")) {
    const seen = { visibilityProperty: true, opacityProperty: true };
    const { left, right, width: own, height } = element.getBoundingClientRect();
    if (!element.checkVisibility(seen) || own < 2 || height < 2) continue;
    const [needed, given] = [element.scrollWidth, element.clientWidth];
    if ((right > width + 1 || left < -1) && !kept(element))
      found.push(`${named(element)} reaches from ${left} to ${right} of ${width}`);
    else if (given && needed > given + 1 && ["hidden", "clip"].includes(overflow(element)))
      found.push(`${named(element)} is cut off: ${needed} > ${given}`);
  }
  return found;
}
"""


@cache
def _script() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


async def axe(page: Page, *, without: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA and good practice, one line for each element.

    `without` names rules that a test has a reason to leave out.
    """
    await page.wait_for_load_state("load")  # with its style sheet, on a busy machine too
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_script())
    await page.evaluate(_STILL)
    rules = {name: {"enabled": False} for name in without}
    options = {
        "runOnly": {"type": "tag", "values": list(RULES)},
        "resultTypes": ["violations"],
        "rules": rules,
    }
    violations = await page.evaluate(
        "async (options) => (await axe.run(document, options)).violations", options
    )
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {' '.join(map(str, node['target']))}"
        f" {node['html'][:120]}"
        + "".join(f"\n    {line}" for line in (node["failureSummary"] or "").splitlines()[1:])
        for each in violations
        for node in each["nodes"]
    ]


async def outside(page: Page) -> list[str]:
    """What reaches beyond the screen's sides or is cut off there, one line for each."""
    return await page.evaluate(_OUTSIDE)


async def no_sideways_scroll(page: Page) -> None:
    """Fail with a list of what would have to be moved sideways to be read."""
    found = await outside(page)
    assert not found, "\n".join(found)


async def pictures(page: Page, name: str) -> list[Path]:
    """Write build/screens/NAME-360.png and NAME-768.png, each of the whole page."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    written = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": _SIZE[width]})
        path = SCREENS / f"{name}-{width}.png"
        await page.screenshot(path=path, full_page=True, animations="disabled")
        written.append(path)
    if before:
        await page.set_viewport_size(before)
    return written
