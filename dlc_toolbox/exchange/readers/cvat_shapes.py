"""What the two formats of CVAT share: its labels, its points, and where they count from.

CVAT draws on a canvas over the image, whose top left corner is 0, 0: the centre of the first pixel is 0.5, 0.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element

ADVICE = "export it there as 'CVAT for images 1.1'"

_MOST_DIGITS = 12


def parts_of(root: Element, used: Iterable[str]) -> list[str]:
    """Return the body parts that have a label anywhere, in the order of the task's list, then as they come."""
    used = dict.fromkeys(used)
    listed = dict.fromkeys((label.findtext("name") or "").strip() for label in root.iter("label"))
    return [part for part in {**listed, **used} if part in used and part]


def is_outside(point: Element) -> bool:
    """Tell whether a body part is not in the image."""
    return point.get("outside", "0") == "1"


def place_of(point: Element, part: str) -> tuple[float, float]:
    """Return x and y of a point; raise ValueError when it is several, or none."""
    x, _, y = point.get("points", "").partition(",")
    try:
        return float(x), float(y)
    except ValueError:
        raise ValueError(f"has no single point for {part!r}") from None


def number_of(text: str | None) -> int | None:
    """Return a whole number, None for any other text."""
    return int(text) if text and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def occluded_in_words(points: Iterable[Element]) -> list[str]:
    """Return a remark on the labels whose part is hidden; none where there is none."""
    hidden = sum(point.get("occluded") == "1" for point in points)
    return [f"{hidden} labels are of parts that are occluded; they are taken over as labels"] if hidden else []
