"""Which images the slices of clicks count: those that were there when people clicked, whatever was added since."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.images import CROP_PREVIEW, images_in, natural_key, refuse_undecodable, type_of
from dlc_toolbox import ToolboxError
from dlc_toolbox.frames.recorded import read_frames
from dlc_toolbox.labels.fiji import read_clicks

NOTES = "labeling.json"  # what the labeling page knows beside the csv files, such as the images in their order
_SHOWN = 5  # culprits named one by one in a message

IN_ITS_PLACE = "of an image that is gone for good, docs/troubleshooting.md says how to give up its labels alone"
"""For images that were deleted after they were labeled."""

_LABEL_LENGTH = 60  # of a name, with which Fiji labels a slice
_PLACE = re.compile(r"[0-9]{4}-[0-9]{4}-[0-9]{4}")  # slice, y and x, after which the ROI Manager names a click

_Spelling = tuple[str, ...]


@dataclass(frozen=True)
class Slices:
    """The images of a folder.

    Parameters
    ----------
    images : list of Path
        Those that slices count, in numeric order; slice 1 is the first.
    others : list of Path
        Images that are there, too, also of other types, and do not count.
    missing : list of str
        Names of images that Step 1 wrote and that are not there any more.
    """

    images: list[Path]
    others: list[Path]
    missing: list[str]

    def not_counted(self) -> str:
        """Name the images that do not count, at most the first 5; empty without any."""
        return in_short([path.name for path in self.others])


def slices_of(folder: Path, imagetype: str, files: Iterable[Path] = ()) -> Slices:
    """Find out which images the slices of a folder's clicks count.

    Those that `frames.json` lists; without it, those whose names have one pattern, such as ``img<number>.png``. Where
    Fiji wrote the images' names into the column Label, they decide whether all images count or these alone; else the
    images that the labeling page counted, if it did.

    Parameters
    ----------
    folder : Path
        Folder of images.
    imagetype : str
        Their whole suffix, such as '.png'; upper and lower case are alike.
    files : iterable of Path
        The csv files of the clicks; read only where names do not decide.

    Returns
    -------
    Slices
        Hidden files, folders and the preview of the crop are not among its images.

    Raises
    ------
    UsersError
        When a name is not in UTF-8, a csv file cannot be read, or images of several patterns of names are there and
        nothing tells which were labeled.
    """
    present = _images(folder, imagetype)
    numbered = [path for path in present if len(spelling(path.stem)) > 1]
    if present and not numbered:
        raise UsersError(f"{present[0]} has no number in its name, as img7{imagetype} has, so its place is uncertain")
    listed, missing = _listed(folder, present)
    patterns = _patterns(numbered)
    files, candidates = list(files), [listed] if listed else patterns[:1]
    if candidates != [numbered]:
        candidates.append(numbered)
    chosen = _choose(folder, candidates, [] if listed else patterns, files) if len(candidates) > 1 else numbered
    chosen = _in_order(folder, chosen, files)
    of_other_types = sorted(set(images_in(folder)).difference(present, [folder / CROP_PREVIEW]))
    return Slices(chosen, [path for path in (*present, *of_other_types) if path not in set(chosen)], missing)


def _choose(
    folder: Path, candidates: Sequence[list[Path]], patterns: Sequence[Sequence[Path]], files: Sequence[Path]
) -> list[Path]:
    """Return some of the images or all, by what the clicks tell; see `slices_of`."""
    some, all_images = candidates
    clicks = [read_clicks(path) for path in files]
    named = [images for images in candidates if _are_named(clicks, images, all_images)]
    if len(named) == 1:
        return named[0]
    orders = [set(order) for order in _noted_orders(files)]
    noted = next((images for images in candidates if {path.name for path in images} in orders), None)
    if noted is not None or not _is_uncertain(patterns):
        return noted or some
    last = max((int(table["slice"].max()) for table in clicks if len(table)), default=0)
    if last == 0 or last > len(some):
        return all_images
    groups = "; ".join(f"{in_short([path.name for path in group], 3)} ({len(group)})" for group in patterns[:_SHOWN])
    raise ToolboxError(
        f"{folder} has images of several patterns of names: {groups}. Clicks count positions, and nothing tells which "
        "of these were there when people clicked. Move those that were not out of the folder; if all were, give them, "
        "in the same order, names of one pattern such as img007.png"
    )


def _are_named(clicks: Sequence[pd.DataFrame], images: Sequence[Path], all_images: Sequence[Path]) -> bool:
    """Tell whether clicks name their images, and the slices count these."""
    tells = {image.stem for image in all_images}
    labels = {label for table in clicks for label in table["label"]}
    named = any(_named(label, images[0].suffix) in tells for label in labels)
    others = [image for image in all_images if image not in images]
    return named and not any(_contradictions(table, images, others) for table in clicks)


def _in_order(folder: Path, images: list[Path], files: Sequence[Path]) -> list[Path]:
    """Sort images as those who clicked saw them: as the labeling page noted, else as the version of Fiji shows them."""
    by_name = {path.name: path for path in images}
    noted = next((order for order in _noted_orders(files) if sorted(order) == sorted(by_name)), None)
    older = sorted(images, key=lambda path: natural_key(path.name)[1:])
    if noted or older == images:
        return [by_name[name] for name in noted or by_name]
    clicks = [read_clicks(path) for path in files]
    named = [order for order in (images, older) if _are_named(clicks, order, order)]
    if len(named) == 1 or not any(map(len, clicks)):
        return (named or [images])[0]
    before, behind = next(pair for pair in zip(images, older, strict=True) if pair[0] != pair[1])
    raise ToolboxError(
        f"{folder}: whether {before.name} comes before {behind.name} depends on the version of Fiji, as some tell "
        "capitals from small letters when they sort, and nothing tells which one counted the slices. Give the images, "
        "in the order in which your Fiji shows them, names of one pattern such as img007.png; or tick Display label "
        "in Analyze > Set Measurements, and measure again"
    )


def _noted_orders(files: Sequence[Path]) -> list[list[str]]:
    """Return the images whose places csv files count, as the labeling page noted them in their folders."""
    return [order for home in {path.parent for path in files} if (order := noted_names(home, "order"))]


def noted_names(home: Path, key: str) -> list[str]:
    """Return names that the labeling page noted beside csv files.

    Parameters
    ----------
    home : Path
        The folder of the csv files.
    key : str
        ``order``, of the images whose places they count, or ``bodyparts``.

    Returns
    -------
    list of str
        Empty where nothing was noted; also where the file is damaged, which whoever needs it says.
    """
    try:
        names = json.loads((home / NOTES).read_text(encoding="utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def _is_uncertain(patterns: Sequence[Sequence[Path]]) -> bool:
    """Tell whether the images of another pattern are too many to be there by chance."""
    return len(patterns) > 1 and 2 * len(patterns[1]) >= len(patterns[0])


def _images(folder: Path, imagetype: str) -> list[Path]:
    """List all files of the type in numeric order; .jpg and .jpeg are one."""
    if not folder.is_dir():
        raise UsersError(f"{folder} is no folder")
    wanted = type_of(Path(f"image{imagetype}"))
    images = [
        path
        for path in folder.iterdir()
        if type_of(path) == wanted and not path.name.startswith(".") and path.name != CROP_PREVIEW
    ]
    refuse_undecodable(images)
    return sorted((path for path in images if path.is_file()), key=lambda path: natural_key(path.name))


def _listed(folder: Path, present: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the images that `frames.json` lists, and the names of those that are not there; none without the file."""
    record = read_frames(folder)
    names, frames = record.get("images"), record.get("frames")
    if isinstance(names, dict):  # picked by hand
        wanted = {spelling(Path(name).stem): name for name in names}
    elif isinstance(frames, list) and all(isinstance(frame, int) for frame in frames):
        wanted = {spelling(f"img{frame}"): f"img{frame}" for frame in frames}
    else:
        return [], []
    found = {spelling(path.stem): path for path in present if spelling(path.stem) in wanted}
    missing = [name for key, name in wanted.items() if key not in found]
    return [path for path in present if path in set(found.values())], missing if found else []


def _patterns(images: Sequence[Path]) -> list[list[Path]]:
    """Group images by the texts in their names, the largest group first, without what was saved beside an image.

    ``img003_labelled`` goes on where ``img003`` ends: a picture that a person or a program made of it.
    """
    texts = {path: tuple(str(text).casefold() for text in spelling(path.stem)[::2]) for path in images}
    sizes = Counter(texts.values())
    own = [
        pattern
        for pattern in sizes
        if not any(sizes[other] >= sizes[pattern] and _goes_on(pattern, other) for other in sizes if other != pattern)
    ]
    ranked = sorted(own, key=lambda pattern: -sizes[pattern])
    return [[path for path in images if texts[path] == pattern] for pattern in ranked]


def _goes_on(pattern: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether a pattern begins with another one, whole.

    >>> _goes_on(("img", "_labelled"), ("img", "")), _goes_on(("image", ""), ("img", ""))
    (True, False)
    """
    *texts, last = other
    place = len(texts)
    return len(pattern) > place and list(pattern[:place]) == texts and pattern[place].startswith(last)


def image_positions(
    clicks: pd.DataFrame, images: Sequence[Path], path: Path, others: Sequence[Path] = ()
) -> np.ndarray:
    """Return the position of each click's image, after checking slices and image names.

    Parameters
    ----------
    clicks : DataFrame
        N of them, as `fiji.read_clicks` returns them.
    images, others : sequence of Path
        Those that slices count, and those that they do not, see `Slices`.
    path : Path
        The file of the clicks, for messages.

    Returns
    -------
    ndarray of shape (N,)
        Counted from 0.

    Raises
    ------
    ToolboxError
        When there is no such image, or Label names another one; with every such line, at most the first 5.
    """
    if len(clicks) and not images:
        raise ToolboxError(f"{path} holds clicks, but its images are not there: bring them back, or check imagetype")
    problems = _contradictions(clicks, images, others)
    if problems:
        refuse_uncounted(clicks, images, path)
        left_out = (
            f" Not counted: {in_short([other.name for other in others])}; if labeled, too, tick Display label in "
            "Analyze > Set Measurements, and measure again."
        )
        raise ToolboxError(
            f"{path} {in_short(problems, separator='; ')}; were images added to {images[0].parent}, or deleted, since "
            f"it was labeled? Then undo that; {IN_ITS_PLACE}.{left_out if others else ''}"
        )
    return clicks["slice"].to_numpy() - 1


def refuse_uncounted(clicks: pd.DataFrame, images: Sequence[Path], path: Path) -> None:
    """Raise where several clicks are all on slice 1, as Fiji writes of images that were opened one by one."""
    if len(images) > 1 and len(clicks) > 2 and (clicks["slice"] == 1).all():
        raise ToolboxError(
            f"{path}: Slice is 1 in all {len(clicks)} lines, so it does not tell the image: the images were opened one "
            "by one, or as a hyperstack. Write the position of each click's image into Slice (1 for the first by "
            "name), or open the folder in Fiji as one stack (File > Import > Image Sequence) and measure again"
        )


def _contradictions(clicks: pd.DataFrame, images: Sequence[Path], others: Sequence[Path]) -> list[str]:
    """List the clicks on images that are not there, or that Label names otherwise."""
    spelled = {spelling(image.stem): position for position, image in enumerate(images)}
    texts = {key[::2] for key in spelled}
    exact = {image.stem: position for position, image in enumerate(images)}
    not_counted = {other.stem for other in others}
    problems = []
    for place, label, line in zip(clicks["slice"], clicks["label"], clicks["line"], strict=True):
        if not 1 <= place <= len(images):
            problems.append(f"line {line}: Slice is {place}, but {images[0].parent} has {len(images)} images")
            continue
        name = _named(label, images[0].suffix)
        named = exact.get(name, spelled.get(spelling(name)))
        if named is None and (_PLACE.fullmatch(name) or _is_cut(name, images[place - 1])):
            continue
        looks_like_image = named is not None or spelling(name)[::2] in texts or name in not_counted
        if looks_like_image and named != place - 1 and name != str(place):
            problems.append(f"line {line}: Label is {label!r}, but slice {place} is {images[place - 1].name}")
    return problems


def _named(label: str, suffix: str) -> str:
    """Return the name in a Label of Fiji, which may begin with the stack's, without a suffix of this type."""
    name = Path(label.rsplit(":", 1)[-1].strip())
    return name.stem if type_of(name) == type_of(Path(f"image{suffix}")) else str(name)


def _is_cut(name: str, image: Path) -> bool:
    """Tell the name of an image as Fiji cuts it off in a Label."""
    return len(name) == _LABEL_LENGTH and image.name.startswith(name)


@lru_cache(maxsize=2**15)  # as many parts' files name the same images
def spelling(stem: str) -> _Spelling:
    """Return a name's texts and numbers in turn, so that leading zeros do not matter.

    Examples
    --------
    >>> spelling("img007") == spelling("img7")
    True
    """
    pieces = re.split(r"([0-9]+)", stem)
    pieces[1::2] = [number.lstrip("0") for number in pieces[1::2]]
    return tuple(pieces)
