"""Pictures: an image with the points of people and networks drawn in, legends, contact sheets.

Pictures are arrays until they are written; plots are figures and have a module of their own. Nothing here needs a
display or touches matplotlib's global state.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, IdentityTransform, Transform
from PIL import Image

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures.fonts import readable
from dlc_toolbox.pictures.palette import PartStyle, outline, part_colors, part_markers

PLOT_MARKERS = ("+", "x", "1", "o", "s", "^", "D", "v", "*", "p")
"""One shape per scorer, those that hide the least first."""

_DPI = 100
_LINE_PX = 20
_LETTER_PX = 7.5
_GRAY = PartStyle("#5a5a5a", "circle")
_MAX_PIXELS = 2**27


@dataclass(frozen=True)
class Look:
    """How points are drawn, the same in all pictures of a set.

    Parameters
    ----------
    bodyparts : sequence of str
        K names, in the order of the points.
    colors : ndarray of shape (K, 3)
        uint8 RGB, one colour per body part, see `palette.part_colors`.
    layers : sequence of (str, str)
        Marker shape (as matplotlib names them) and meaning of each of the L layers of points; later layers cover
        earlier ones.
    scale : float
        Size of a picture relative to its image.
    msize : float
        Size of the markers in points; a picture has 100 pixels per inch, so 10 points are 14 pixels.
    alpha : float
        Opacity of the markers, 0 to 1.
    markers : sequence of str, optional
        One of `palette.MARKERS` per body part; default circles. A layer of '.' is drawn in these shapes, any other in
        its own, with the outline of the part's shape around it where that is no circle.
    joined : sequence of (int, int)
        Pairs of layers, by position: a line joins the two points of each body part.
    """

    bodyparts: Sequence[str]
    colors: np.ndarray
    layers: Sequence[tuple[str, str]]
    scale: float = 1
    msize: float = 10
    alpha: float = 0.6
    markers: Sequence[str] | None = None
    joined: Sequence[tuple[int, int]] = ()

    @property
    def styles(self) -> list[PartStyle]:
        """Colour and marker of each body part."""
        shapes = self.markers or ["circle"] * len(self.bodyparts)
        return [PartStyle(f"#{bytes(color).hex()}", shape) for color, shape in zip(self.colors, shapes, strict=True)]


def make_look(bodyparts: Sequence[str], colormap: str, layers: Sequence[tuple[str, str]] = (), **sizes: Any) -> Look:
    """Return how body parts are drawn in the colours and markers that a setting `colormap` names.

    Parameters
    ----------
    bodyparts, layers, **sizes
        As for `Look`.
    colormap : str
        ``'parts'`` (the palette), or the name of a matplotlib colormap.

    Returns
    -------
    Look
        Colours and markers go to the body parts in the order given.
    """
    count = len(bodyparts)
    return Look(bodyparts, part_colors(colormap, count), layers, markers=part_markers(colormap, count), **sizes)


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
    picture = _resized(image, look.scale)
    size = picture.size
    to_canvas = Affine2D().translate(0.5, 0.5).scale(size[0] / width, -size[1] / height).translate(0, size[1])
    markers = [line for pair in look.joined for line in _lines(points[list(pair)], look, to_canvas)]
    for (marker, _), layer in zip(look.layers, points, strict=True):
        markers += _markers(layer, look.styles, marker, look.msize, look.alpha, to_canvas)
    return _drawn_on(picture, markers)


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
    parts = [(".", name, style, 14) for name, style in zip(look.bodyparts, look.styles, strict=True)]
    cell = 1.5 * _LINE_PX + _LETTER_PX * max(_letters(name) for _, name, _, _ in [*layers, *parts])
    columns = max(1, int(width // cell))
    first_part = -(-len(layers) // columns) * columns
    places = [*range(len(layers)), *range(first_part, first_part + len(parts))]
    size = (max(width, int(np.ceil(cell))), round((places[-1] // columns + 1.5) * _LINE_PX))
    artists: list[Artist] = []
    for place, (marker, name, style, msize) in zip(places, [*layers, *parts], strict=True):
        row, column = divmod(place, columns)
        x, y = column * cell + 0.75 * _LINE_PX, size[1] - (row + 0.75) * _LINE_PX
        artists += _markers(np.array([[x, y]]), [style], marker, msize, 1, IdentityTransform())
        artists.append(_text(x + 0.6 * _LINE_PX, y, name))
    return _drawn_on(Image.new("RGB", size, "white"), artists)


def draw_contact_sheet(tiles: Sequence[np.ndarray], names: Sequence[str], look: Look | None = None) -> np.ndarray:
    """Lay out small pictures on one page, each above its name, with the legend below.

    Parameters
    ----------
    tiles : sequence of N ndarray of shape (height, width, 3)
        uint8 RGB, as `draw_points` returns them for `tile_look`; sizes may differ.
    names : sequence of N str
        What stands below each tile; what does not fit loses its beginning.
    look : Look, optional
        For the legend; without it there is none.

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
    key = draw_legend(look, columns * cell_w) if look else np.empty((0, 0, 3), np.uint8)
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


def make_tile(image: np.ndarray, count: int) -> np.ndarray:
    """Return an image at the size of one of `count` tiles of a contact sheet of about 2400 pixels."""
    return np.asarray(_resized(image, _tile_side(count) / max(image.shape[:2])))


def tile_look(look: Look, image: np.ndarray, count: int) -> Look:
    """Return `look` for an image that becomes a tile, see `make_tile`."""
    return look_at_size(look, image, _tile_side(count))


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


def encode_plot(figure: Figure) -> bytes:
    """Return a plot as the content of a .png file."""
    buffer = io.BytesIO()
    long_lines = rc_context({"agg.path.chunksize": 10_000})  # in pieces, as the renderer takes no path of any length
    with readable(figure), long_lines:
        figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _tile_side(count: int) -> float:
    """Return the longer side of each of `count` tiles, in pixels."""
    return float(np.clip(2400 / np.sqrt(count), 96, 400))


def _resized(image: np.ndarray, scale: float) -> Image.Image:
    """Return an image of another size; magnified pixels stay squares."""
    height, width = image.shape[:2]
    size = _picture_size(width, height, scale)
    way = Image.Resampling.NEAREST if size[0] > width else Image.Resampling.BOX
    return Image.fromarray(image).resize(size, way)


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
    points: np.ndarray, styles: Sequence[PartStyle], marker: str, msize: float, alpha: float, to_canvas: Transform
) -> list[Artist]:
    """Return one marker per finite point, over a pale rim that keeps it visible on dark fur and bright light."""
    drawn: list[Artist] = []
    for shape in sorted({style.marker for style in styles}):
        mine = np.array([style.marker == shape for style in styles]) & np.isfinite(points).all(axis=1)
        places = {"offsets": points[mine], "offset_transform": to_canvas}
        inks = np.array([to_rgba(style.color, alpha) for style, is_mine in zip(styles, mine, strict=True) if is_mine])
        own = _closed(outline(shape) * (0.5, -0.5)) if shape != "circle" else _path("o")
        for paint, wider in ((np.full((mine.sum(), 4), (1, 1, 1, 0.6 * alpha)), 1.2), (inks, 0)):
            if marker == ".":
                drawn.append(_shapes(own, 0.7 * msize + wider, paint, None, **places))
                continue
            drawn.append(_shapes(_path(marker), msize, paint, msize / 5 + wider, **places))
            if shape != "circle":
                drawn.append(_shapes(own, 1.1 * msize, paint, msize / 12 + wider / 2, **places))
    return drawn


def _lines(ends: np.ndarray, look: Look, to_canvas: Transform) -> list[Artist]:
    """Return lines between the two ends, (2, K, 2), of each body part, over a pale rim; none where one is missing."""
    is_there = np.isfinite(ends).all(axis=(0, 2))
    segments = to_canvas.transform(np.swapaxes(ends[:, is_there], 0, 1).reshape(-1, 2)).reshape(-1, 2, 2)
    inks = [to_rgba(style.color, look.alpha) for style, is_mine in zip(look.styles, is_there, strict=True) if is_mine]
    width = max(look.msize / 8, 1)
    rim, line = (
        LineCollection(
            list(segments), colors=paint, linewidths=thick, transform=IdentityTransform(), snap=False, zorder=0
        )
        for paint, thick in (((1, 1, 1, 0.6 * look.alpha), width + 1.2), (inks, width))
    )
    return [rim, line] if len(segments) else []


def _closed(corners: np.ndarray) -> Outline:
    """Return the lines from corner to corner, (V, 2), and back to the first."""
    return Outline(np.concatenate([corners, corners[:1]]), closed=True)


def _path(marker: str) -> Outline:
    """Return the lines of one of matplotlib's markers."""
    style = MarkerStyle(marker)
    return style.get_path().transformed(style.get_transform())


def _shapes(path: Outline, side: float, paint: np.ndarray, line: float | None, **places: Any) -> PathCollection:
    """Return a path at many places, drawn by a line of this width, or filled where that is None."""
    shapes = PathCollection(
        [path],
        sizes=[side**2],
        facecolors=paint if line is None else "none",
        edgecolors="none" if line is None else paint,
        linewidths=[line or 0] * 2,  # given twice, because a single style would be drawn at whole pixels, as with snap
        snap=False,
        **places,
    )
    shapes.set_transform(IdentityTransform())
    return shapes


def _letters(name: str) -> int:
    """Return how many letters wide a name is; those of Chinese, Japanese and Korean count twice."""
    return sum(1 + (east_asian_width(letter) in "WF") for letter in name)


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
    with readable(figure):
        canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba()))
    picture.paste(drawn, (0, 0), drawn)
    return np.asarray(picture)
