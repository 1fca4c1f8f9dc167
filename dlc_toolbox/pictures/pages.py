"""HTML pages that open by a double click: no network, and every name shown as the text that it is.

The one script, ``zoom.js``, enlarges pictures; it is the same in all pages, and without it they work as well.
"""

from __future__ import annotations

import base64
import math
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from dlc_common.files import write_if_changed
from dlc_toolbox.pictures.drawing import Look, draw_points, encode_picture, look_at_size

_LEAST_PX, _MOST_PX = 640, 1280  # of the longer side of a picture in a page: worth to be enlarged, and small to send


def write_page(path: Path, template: str, **content: Any) -> None:
    """Write a page, unless the file holds it already; it appears whole or not at all.

    Parameters
    ----------
    path : Path
        The html file.
    template : str
        Name of a file in ``dlc_toolbox/pictures/templates``.
    **content
        What the template shows. Texts are escaped: names of body parts and files are shown, never obeyed.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    pages = Environment(
        loader=PackageLoader("dlc_toolbox.pictures"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"px": _in_px, "share": _in_percent}
    text = pages.get_template(template).render(content)
    write_if_changed(path, text.encode("utf-8", errors="replace"))  # file names may hold bytes that are no text


def link(target: Path, page: Path) -> str:
    """Return the address by which a page names a file in its own folder or below.

    Examples
    --------
    >>> link(Path("Results/Test/50% off#1.png"), Path("Results/page.html"))
    'Test/50%25%20off%231.png'
    """
    return quote(os.fsencode(target.relative_to(page.parent).as_posix()))


def embed(picture: np.ndarray | Path) -> str:
    """Return a picture as an address that holds it, for a page that stays whole when it is sent to someone.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3) or Path
        uint8 RGB, embedded as jpg, or a png file.

    Returns
    -------
    str
        A ``data:`` address.
    """
    kind, content = (
        ("png", picture.read_bytes()) if isinstance(picture, Path) else ("jpeg", encode_picture(picture, ".jpg"))
    )
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def draw_for_page(image: np.ndarray, points: np.ndarray, look: Look) -> np.ndarray:
    """Draw points into an image, as `drawing.draw_points`, large enough to look into and small enough to send."""
    side = float(np.clip(max(image.shape[:2]), _LEAST_PX, _MOST_PX))
    return draw_points(image, points, look_at_size(look, image, side))


def _in_px(value: float) -> str:
    """Write an error with one decimal, two where it is small; a dash where there is none."""
    if math.isnan(value):
        return "-"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _in_percent(share: float) -> str:
    """Write a share in percent; a dash where there is none."""
    return "-" if math.isnan(share) else f"{share:.0%}"
