"""Points and skeletons of CVAT, as its format 'CVAT for images 1.1' writes them.

CVAT draws on a canvas over the image, whose top left corner is 0, 0: the centre of the first pixel is 0.5, 0.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from xml.etree import ElementTree

from dlc_common.images import IMAGE_SUFFIXES
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import NO_LABEL, SEVERAL, Collection, size_of
from dlc_toolbox.exchange.readers.found import CORNER, Found, find_file
from dlc_toolbox.exchange.readers.source import Source

KIND = "an export of CVAT (CVAT for images 1.1)"

_ADVICE = "export it there as 'CVAT for images 1.1'"


def is_cvat(source: Source) -> bool:
    """Tell an xml file whose root is `annotations`."""
    head = source.head.decode("utf-8", errors="replace").lstrip("\ufeff \r\n\t")
    return head.startswith("<") and "<annotations" in head


def read_cvat(source: Source) -> Found:
    """Read the points of every image: single ones, labeled as body parts, or those of one skeleton.

    Points that are 'outside' are no labels; those that are 'occluded' are, and their number is told.

    Raises
    ------
    ToolboxError
        When the file is damaged, has entities, is of another format of CVAT, or nothing can be used.
    """
    root = _parsed(source)
    if root.find("track") is not None and root.find("image") is None:
        raise ToolboxError(f"{source.path} is an export of CVAT for videos, which interpolates: {_ADVICE}")
    images = root.findall("image")
    collection = Collection(source, KIND, _parts(root, images))
    occluded = 0
    for image in images:
        name, skeletons = image.get("name", ""), image.findall("skeleton")
        if len(skeletons) > 1:
            collection.leave_out(name, SEVERAL)
            continue
        points = list(_visible(skeletons[0] if skeletons else image))
        twice = [part for part, times in Counter(each.get("label", "") for each in points).items() if times > 1]
        if twice:
            collection.leave_out(name, f"has {twice[0]!r} twice")
            continue
        try:
            places = {each.get("label", ""): _place(each) for each in points}
        except ValueError as error:
            collection.leave_out(name, str(error))
            continue
        if not places:
            collection.leave_out(name, NO_LABEL)
            continue
        occluded += sum(each.get("occluded") == "1" for each in points)
        name = _with_suffix(name, source)
        collection.add(name, places, size=size_of(_number(image.get("width")), _number(image.get("height"))))
    if occluded:
        collection.remarks.append(f"{occluded} labels are of parts that are occluded; they are taken over as labels")
    return collection.found(zero=CORNER)


def _parsed(source: Source) -> ElementTree.Element:
    """Read the xml; what declares entities, by which a small file becomes huge, is refused."""
    data = source.path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ToolboxError(f"{source.path} is refused: it declares entities, which no export of CVAT does")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ToolboxError(f"{source.path} begins as xml, but is damaged: {error}") from error
    if root.tag != "annotations":
        raise ToolboxError(f"{source.path} is no export of CVAT: {_ADVICE}")
    return root


def _parts(root: ElementTree.Element, images: list[ElementTree.Element]) -> list[str]:
    """Return the body parts that have a label anywhere, in the order of the task's list, then as they come."""
    used = dict.fromkeys(each.get("label", "") for image in images for each in image.iter("points"))
    listed = dict.fromkeys((label.findtext("name") or "").strip() for label in root.iter("label"))
    return [part for part in {**listed, **used} if part in used and part]


def _with_suffix(name: str, source: Source) -> str:
    """Return the name of an image's file; CVAT names frames of videos without the suffix of their images."""
    if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
        return name
    suffixes = (suffix for suffix in (".png", ".PNG", ".jpg", ".jpeg") if find_file(name + suffix, source.homes))
    return name + next(suffixes, ".png")


def _visible(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Yield the points that are in the image."""
    return (each for each in element.findall("points") if each.get("outside", "0") != "1")


def _place(element: ElementTree.Element) -> tuple[float, float]:
    """Return x and y of a point; raise ValueError when it is several, or none."""
    x, _, y = element.get("points", "").partition(",")
    try:
        return float(x), float(y)
    except ValueError:
        raise ValueError(f"has no single point for {element.get('label')!r}") from None


def _number(text: str | None) -> int | None:
    """Return a whole number, None for any other text."""
    return int(text) if text and text.isdecimal() else None
