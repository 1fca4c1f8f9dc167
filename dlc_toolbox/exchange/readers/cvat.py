"""Exports of CVAT: points and skeletons of images ('CVAT for images 1.1'), or tracks ('CVAT for video 1.1')."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from xml.etree import ElementTree

from dlc_common.images import IMAGE_SUFFIXES
from dlc_common.texts import read_text
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import SEVERAL, Collection, size_of
from dlc_toolbox.exchange.readers.cvat_shapes import (
    ADVICE,
    is_outside,
    number_of,
    occluded_in_words,
    parts_of,
    place_of,
)
from dlc_toolbox.exchange.readers.cvat_video import is_of_video, read_tracks
from dlc_toolbox.exchange.readers.found import CORNER, Found, find_file
from dlc_toolbox.exchange.readers.source import Source

KIND = "an export of CVAT (for images or for video, 1.1)"

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
_DAMAGED = (ElementTree.ParseError, ValueError, LookupError)


def is_cvat(source: Source) -> bool:
    """Tell an xml file whose root is `annotations`."""
    return source.beginning.startswith("<") and "<annotations" in source.beginning


def read_cvat(source: Source) -> Found:
    """Read the points of every image, or key frame: single ones, labeled as body parts, or those of a skeleton.

    Points that are 'outside' are no labels; those that are 'occluded' are, and their number is told.

    Raises
    ------
    ToolboxError
        When the file is damaged, has entities, is of another format of CVAT, or nothing can be used.
    """
    root = _parsed(source)
    if is_of_video(root):
        return read_tracks(source, root, KIND)
    images = root.findall("image")
    used = [each.get("label", "") for image in images for each in image.iter("points")]
    collection, labels = Collection(source, KIND, parts_of(root, used)), list[ElementTree.Element]()
    for image in images:
        name, path = _name_and_path(image, source)
        origin = image.get("task_id"), path
        try:
            points = _points(image)
            places = {part: place_of(each, part) for each in points for part in [each.get("label", "")]}
        except ValueError as error:
            collection.pass_over(name, str(error), tried=[path], origin=origin)
            continue
        labels += points
        size = size_of(number_of(image.get("width")), number_of(image.get("height")))
        collection.add(name, places, size=size, tried=[path], origin=origin)
    collection.remarks += occluded_in_words(labels)
    return collection.found(zero=CORNER)


def _parsed(source: Source) -> ElementTree.Element:
    """Read the xml; what declares entities, by which a small file becomes huge, is refused."""
    data = source.path.read_bytes()
    if any(mark.encode(code) in data for mark in ("<!DOCTYPE", "<!ENTITY") for code in _ENCODINGS):
        raise ToolboxError(f"{source.path} is refused: it declares entities, which no export of CVAT does")
    try:
        root = ElementTree.fromstring(data)
    except _DAMAGED:
        try:  # in another encoding than it says, where that is certain
            root = ElementTree.fromstring(read_text(source.path))
        except _DAMAGED as error:
            raise ToolboxError(f"{source.path} begins as xml, but is damaged: {error}") from error
    if root.tag != "annotations":
        raise ToolboxError(f"{source.path} is no export of CVAT: {ADVICE}")
    return root


def _points(image: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the points that are labels; raise ValueError where nobody knows, in words that follow 'because it'."""
    skeletons = image.findall("skeleton")
    if len(skeletons) > 1:
        raise ValueError(SEVERAL)
    home = skeletons[0] if skeletons else image
    points = [each for each in home.findall("points") if not is_outside(each)]
    twice = [part for part, times in Counter(each.get("label", "") for each in points).items() if times > 1]
    if twice:
        raise ValueError(f"has {twice[0]!r} twice")
    return points


def _name_and_path(image: ElementTree.Element, source: Source) -> tuple[str, str]:
    """Return the name of an image's file, and its path: an export of a project has a folder for each subset.

    CVAT names frames of videos without the suffix of their images.
    """
    name = image.get("name", "")
    path = str(PurePosixPath(image.get("subset", ""), name))
    if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
        return name, path
    suffixes = (".png", ".PNG", ".jpg", ".jpeg")
    there = (suffix for suffix in suffixes for each in (path, name) if find_file(each + suffix, source.homes))
    suffix = next(there, ".png")
    return name + suffix, path + suffix
