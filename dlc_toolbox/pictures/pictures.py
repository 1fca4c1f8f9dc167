"""Sets of pictures: every image of a folder with its points drawn in, and one contact sheet of them all."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.images import read_image
from dlc_common.progress import tqdm
from dlc_toolbox import ToolboxError
from dlc_toolbox.pictures import drawing
from dlc_toolbox.pictures.drawing import Look
from dlc_toolbox.project import records
from dlc_toolbox.project.layout import contact_sheet, pictures_record, thumbnail
from dlc_toolbox.project.settings import Settings

log = logging.getLogger(__name__)

_THUMBNAIL_PX = 320


def look_of(settings: Settings, layers: Sequence[tuple[str, str]], joined: Sequence[tuple[int, int]] = ()) -> Look:
    """Return how the settings want points to be drawn.

    Parameters
    ----------
    settings : Settings
        Its body parts, colormap, scale, msize and alphavalue count.
    layers : sequence of (str, str)
        Marker and meaning of each layer of points.
    joined : sequence of (int, int)
        Layers, by position, whose points a line joins.

    Returns
    -------
    Look
        Colours go to the body parts in the order of the settings.
    """
    sizes = {"scale": settings.scale, "msize": settings.msize, "alpha": settings.alphavalue}
    return replace(drawing.make_look(settings.bodyparts, settings.colormap, layers, **sizes), joined=joined)


def draw_pictures(
    folder: Path,
    images: Mapping[str, Path],
    layers: np.ndarray,
    look: Look,
    *,
    thumbnails: bool = False,
    overwrite: bool = False,
) -> list[str]:
    """Draw every image of a set with its points, and a contact sheet, unless they are current.

    Parameters
    ----------
    folder : Path
        Where the pictures go; those of an earlier set are removed from it.
    images : mapping of str to Path
        Image file by the name of its picture, N of them.
    layers : ndarray of shape (N, L, K, 2)
        x, y in pixels of each image, in the order of `images`; NaN is not drawn.
    look : Look
        How the points are drawn.
    thumbnails : bool
        Whether to draw each once more, small, for a page that shows them all.
    overwrite : bool
        Whether to draw again what is current.

    Returns
    -------
    list of str
        One sentence for each image that is missing or damaged; all others are drawn.

    Raises
    ------
    ToolboxError
        When the folder holds files that were not drawn here, the system refuses to write, or the settings make a
        picture too large.
    """
    record = pictures_record(folder)
    if not record.is_file() and folder.is_dir() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise ToolboxError(
            f"pictures are to be drawn into {folder}, but it holds files and no {record.name}, so they may be a "
            "video's images: rename it"
        )
    how = asdict(look) | {
        "colors": look.colors.tolist(),
        "points": hashlib.blake2b(np.ascontiguousarray(layers).tobytes(), digest_size=16).hexdigest(),
    }
    del how["joined"]  # no setting: pictures of before there were lines stay as they are
    made_from = records.describe({name: path for name, path in images.items() if path.is_file()}, how)
    pictures = [folder / name for name in images]
    files = [*pictures, *(map(thumbnail, pictures) if thumbnails else ()), contact_sheet(folder)]
    name = "/".join(folder.parts[-2:])  # the rest may be a temporary folder
    output = records.Output(name, record, files, made_from)
    if output.is_current(overwrite):
        return []
    _remove_earlier(folder)
    output.start()
    problems = _draw(folder, images, layers, look, thumbnails)
    if not problems:
        output.write_record()
    return problems


def raise_problems(problems: Sequence[str], advice: str = "") -> None:
    """Raise ToolboxError with the images that could not be drawn, if there are any, and what to do."""
    if problems:
        raise ToolboxError(f"all is drawn but {len(problems)} images: {in_short(problems, separator='; ')}{advice}")


def folder_and_image(row: str) -> tuple[str, str]:
    """Split a row's name in a label table into the names of folder and image.

    Raises
    ------
    ToolboxError
        When it is not of the form ``folder/image``.

    Examples
    --------
    >>> folder_and_image("day1/img03.png")
    ('day1', 'img03.png')
    """
    pieces = str(row).split("/")
    if len(pieces) != 2 or {"", ".", ".."} & set(pieces):
        raise ToolboxError(f"the label table names the image {row!r}; it must be '<video folder>/<image>'")
    return pieces[0], pieces[1]


def picture_name(image: str) -> str:
    """Return the name of an image's picture, which is a png.

    Examples
    --------
    >>> picture_name("img1.png"), picture_name("img1.jpg")
    ('img1.png', 'img1.jpg.png')
    """
    return image if image.endswith(".png") else f"{image}.png"


def _remove_earlier(folder: Path) -> None:
    """Remove the pictures of an earlier set, so that no picture outlives its labels."""
    try:
        earlier = records.read(pictures_record(folder)).get("inputs", {})
    except UsersError:
        return
    for name in earlier:
        picture = folder / Path(name).name
        picture.unlink(missing_ok=True)
        thumbnail(picture).unlink(missing_ok=True)


def _draw(folder: Path, images: Mapping[str, Path], layers: np.ndarray, look: Look, thumbnails: bool) -> list[str]:
    """Draw all pictures and their contact sheet; return what is wrong with images that could not be drawn."""
    tiles, problems = {}, []
    for (name, path), layer in zip(tqdm(images.items(), desc=folder.name, unit="image"), layers, strict=True):
        try:
            image = read_image(path)
        except UsersError as error:
            problems.append(str(error))
            continue
        drawing.write_picture(drawing.draw_points(image, layer, look), folder / name)
        tiles[name] = drawing.draw_points(image, layer, drawing.tile_look(look, image, len(images)))
        if thumbnails:
            small = drawing.draw_points(image, layer, drawing.look_at_size(look, image, _THUMBNAIL_PX))
            drawing.write_picture(small, thumbnail(folder / name))
    if tiles:
        page = drawing.draw_contact_sheet(list(tiles.values()), list(tiles), look)
        drawing.write_picture(page, contact_sheet(folder))
    return problems
