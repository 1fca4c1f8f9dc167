"""Pictures: an image with the points of people and networks drawn in, legends, contact sheets.

Pictures are arrays until they are written; plots are figures and have a module of their own. Nothing here needs a
display or touches matplotlib's global state.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, IdentityTransform, Transform
from PIL import Image

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError

MARKERS = ("+", "x", "1", "o", "s", "^", "D", "v", "*", "p")
"""One shape per scorer, those that hide the least first."""

_DPI = 100
_LINE_PX = 20
_LETTER_PX = 7.5
_GRAY = (90, 90, 90)
_MAX_PIXELS = 2**27


def part_colors(colormap: str, count: int) -> np.ndarray:
    """Choose one colour per body part, in the order of the settings.

    Parameters
    ----------
    colormap : str
        Name of a matplotlib colormap.
    count : int
        Number of body parts, K.

    Returns
    -------
    ndarray of shape (K, 3)
        uint8 RGB. The end of the map is left out, because cyclic maps such as hsv end as they begin.
    """
    return colormaps[colormap](np.arange(count) / max(count, 1), bytes=True)[:, :3]


@dataclass(frozen=True)
class Look:
    """How points are drawn, the same in all pictures of a set.

    Parameters
    ----------
    bodyparts : sequence of str
        K names, in the order of the points.
    colors : ndarray of shape (K, 3)
        uint8 RGB, one colour per body part, see `part_colors`.
    layers : sequence of (str, str)
        Marker shape (as matplotlib names them) and meaning of each of the L layers of points; later layers cover
        earlier ones.
    scale : float
        Size of a picture relative to its image.
    msize : float
        Size of the markers in points; a picture has 100 pixels per inch, so 10 points are 14 pixels.
    alpha : float
        Opacity of the markers, 0 to 1.
    """

    bodyparts: Sequence[str]
    colors: np.ndarray
    layers: Sequence[tuple[str, str]]
    scale: float = 1
    msize: float = 10
    alpha: float = 0.6


def draw_points(image: np.ndarray, points: np.ndarray, look: Look) -> np.ndarray:
    """Draw points into a copy of an image.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3)
        uint8 RGB.
    points : ndarray of shape (L, K, 2)
        x, y in pixels of `image`, one layer after the other; (0, 0) is the centre of the top-left pixel. NaN is not
        drawn.
    look : Look
        Shapes, colours and sizes.

    Returns
    -------
    ndarray of shape (round(H * scale), round(W * scale), 3)
        uint8 RGB. At scale 1 every pixel without a marker is that of `image`. Magnified pixels stay squares, so that
        a label can be checked against them.

    Raises
    ------
    ToolboxError
        When `scale` makes a picture too large.
    """
    height, width = image.shape[:2]
    size = _picture_size(width, height, look.scale)
    to_canvas = Affine2D().translate(0.5, 0.5).scale(size[0] / width, -size[1] / height).translate(0, size[1])
    markers = []
    for (marker, _), layer in zip(look.layers, points, strict=True):
        markers += _markers(layer, look.colors, marker, look.msize, look.alpha, to_canvas)
    way = Image.Resampling.NEAREST if size[0] > width else Image.Resampling.BOX
    return _drawn_on(Image.fromarray(image).resize(size, way), markers)


def draw_legend(look: Look, width: int) -> np.ndarray:
    """Explain the markers and colours of a set of pictures.

    Parameters
    ----------
    look : Look
        As for `draw_points`.
    width : int
        Width in pixels; less than the longest name needs is widened.

    Returns
    -------
    ndarray of shape (height, at least width, 3)
        uint8 RGB on white: the layers in gray, then the body parts in their colours, row by row.
    """
    layers = [(marker, name, _GRAY, min(look.msize, 12)) for marker, name in look.layers]
    parts = [(".", name, color, 14) for name, color in zip(look.bodyparts, look.colors, strict=True)]
    cell = 1.5 * _LINE_PX + _LETTER_PX * max(len(name) for _, name, _, _ in [*layers, *parts])
    columns = max(1, int(width // cell))
    first_part = -(-len(layers) // columns) * columns
    places = [*range(len(layers)), *range(first_part, first_part + len(parts))]
    size = (max(width, int(np.ceil(cell))), round((places[-1] // columns + 1.5) * _LINE_PX))
    artists: list[Artist] = []
    for place, (marker, name, color, msize) in zip(places, [*layers, *parts], strict=True):
        row, column = divmod(place, columns)
        x, y = column * cell + 0.75 * _LINE_PX, size[1] - (row + 0.75) * _LINE_PX
        artists += _markers(np.array([[x, y]]), np.array([color]), marker, msize, 1, IdentityTransform())
        artists.append(_text(x + 0.6 * _LINE_PX, y, name))
    return _drawn_on(Image.new("RGB", size, "white"), artists)


def draw_contact_sheet(tiles: Sequence[np.ndarray], names: Sequence[str], look: Look) -> np.ndarray:
    """Lay out small pictures on one page, each above its name, with the legend below.

    Parameters
    ----------
    tiles : sequence of N ndarray of shape (height, width, 3)
        uint8 RGB, as `draw_points` returns them for `tile_look`; sizes may differ.
    names : sequence of N str
        What stands below each tile; what does not fit loses its beginning.
    look : Look
        For the legend.

    Returns
    -------
    ndarray of shape (height, width, 3)
        uint8 RGB on white, about as wide as high.
    """
    gap = _LINE_PX // 2
    cell_w = max(tile.shape[1] for tile in tiles) + gap
    cell_h = max(tile.shape[0] for tile in tiles) + _LINE_PX + gap
    columns = min(len(tiles), int(np.ceil(np.sqrt(len(tiles) * cell_h / cell_w))))
    rows = -(-len(tiles) // columns)
    key = draw_legend(look, columns * cell_w)
    page = np.full((gap + rows * cell_h + len(key), max(gap + columns * cell_w, key.shape[1]), 3), 255, np.uint8)
    page[len(page) - len(key) :, : key.shape[1]] = key
    captions = []
    for i, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        top, left = gap + i // columns * cell_h, gap + i % columns * cell_w
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        room = int(cell_w / _LETTER_PX)
        shown = name if len(name) <= room else "\N{HORIZONTAL ELLIPSIS}" + name[-max(room - 1, 1) :]
        captions.append(_text(left, len(page) - top - tile.shape[0] - _LINE_PX / 2, shown))
    return _drawn_on(Image.fromarray(page), captions)


def tile_look(look: Look, image: np.ndarray, count: int) -> Look:
    """Return `look` at the size of one of `count` tiles of a contact sheet of about 2400 pixels."""
    return look_at_size(look, image, float(np.clip(2400 / np.sqrt(count), 96, 400)))


def look_at_size(look: Look, image: np.ndarray, side: float) -> Look:
    """Return `look` for a picture of an image whose longer side is `side` pixels; markers shrink with it."""
    return replace(look, scale=side / max(image.shape[:2]), msize=min(look.msize, max(5, side / 40)))


def write_picture(picture: np.ndarray, path: Path) -> None:
    """Write a picture as png or jpg; it appears whole or not at all.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3)
        uint8 RGB.
    path : Path
        Ends in .png or .jpg.

    Raises
    ------
    ToolboxError
        When the system refuses to write.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(encode_picture(picture, path.suffix))


def encode_picture(picture: np.ndarray, suffix: str) -> bytes:
    """Return a picture, uint8 RGB, as the content of a .png file, which keeps every pixel, or a smaller .jpg."""
    buffer = io.BytesIO()
    if suffix == ".jpg":
        Image.fromarray(picture).save(buffer, "JPEG", quality=85, subsampling=0)  # colours stay on their markers
    else:
        Image.fromarray(picture).save(buffer, "PNG", compress_level=1)  # 2.5 times as fast as the default, 15 % larger
    return buffer.getvalue()


def _picture_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Return width and height of a picture, at least one pixel each."""
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size[0] * size[1] > _MAX_PIXELS or max(size) >= 2**16:
        raise ToolboxError(
            f"scale = {scale:g} makes a picture of {size[0]} x {size[1]} pixels out of an image of {width} x {height}; "
            f"at most {_MAX_PIXELS // 10**6} million pixels and {2**16 - 1} a side can be drawn: choose a smaller scale"
        )
    return size


def _markers(
    points: np.ndarray, colors: np.ndarray, marker: str, msize: float, alpha: float, to_canvas: Transform
) -> list[Artist]:
    """Return one marker per finite point, over a pale rim that keeps it visible on dark fur and bright light."""
    disc = marker == "."
    style = MarkerStyle("o" if disc else marker)
    seen = np.isfinite(points).all(axis=1)
    rim = np.full((seen.sum(), 4), (1, 1, 1, 0.6 * alpha))
    inks = np.column_stack([colors[seen] / 255, np.full(seen.sum(), alpha)])
    drawn: list[Artist] = []
    for paint, wider in ((rim, 1.2), (inks, 0)):
        side, line = (0.7 * msize + wider, 0) if disc else (msize, msize / 5 + wider)
        markers = PathCollection(
            [style.get_path().transformed(style.get_transform())],
            sizes=[side**2],
            offsets=points[seen],
            offset_transform=to_canvas,
            facecolors=paint if disc else "none",
            edgecolors="none" if disc else paint,
            linewidths=[line, line],  # given twice, because a single style would be drawn at whole pixels, as with snap
            snap=False,
        )
        markers.set_transform(IdentityTransform())
        drawn.append(markers)
    return drawn


def _text(x: float, y: float, text: str) -> Text:
    """Return a line of text, vertically centred at a place of the canvas."""
    return Text(x, y, text, fontsize=9, va="center", parse_math=False, transform=IdentityTransform())


def _drawn_on(picture: Image.Image, artists: Sequence[Artist]) -> np.ndarray:
    """Return a picture with artists, placed in canvas pixels, drawn over it; what they leave free is unchanged."""
    # matplotlib truncates inches * dpi, so a rounding error must not fall short of a whole pixel.
    width, height = (float(np.nextafter(side / _DPI, np.inf)) for side in picture.size)
    figure = Figure(figsize=(width, height), dpi=_DPI, frameon=False)
    canvas = FigureCanvasAgg(figure)
    for artist in artists:
        figure.add_artist(artist)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    picture.paste(drawn, (0, 0), drawn)
    return np.asarray(picture)
