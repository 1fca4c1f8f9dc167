"""Keypoints in the json of COCO.

Its keypoints are indices of pixels: 0 is the centre of the first one. Detectron2 reads them so, too: it adds 0.5 to get
places counted from the corner. Programs that draw on a canvas (CVAT, Label Studio) write places counted from the corner
into the same file. Their own formats are sure; where a file is all there is, a person can tell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import NO_LABEL, SEVERAL, Collection, Places, size_of
from dlc_toolbox.exchange.readers.found import CORNER, Found, skeleton_setting
from dlc_toolbox.exchange.readers.source import Source

KIND = "a json of COCO with keypoints"

_DOUBT = (
    "x and y are taken as counted from the centre of the first pixel, as COCO does; they have fractions, so if CVAT or "
    "Label Studio wrote this file, they count from its corner: add --zero corner, and 0.5 px is subtracted"
)
_ROUNDED = (
    "Label Studio wrote this file, and rounded places to whole pixels: its export as JSON has them as they were placed"
)
_NOT_LABELED, _HIDDEN = 0, 1  # flags of COCO; 2: labeled and visible


def is_coco(source: Source) -> bool:
    """Tell a json object of images, annotations and categories."""
    content = source.json
    return isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys()


def read_coco(source: Source) -> Found:
    """Read the labels of the category that most annotations with keypoints have.

    Labels of parts that are hidden but placed (flag 1) are labels, too; their number is told.

    Raises
    ------
    ToolboxError
        When no category has keypoints, or nothing can be used.
    """
    content = source.json
    categories = {_id(each): each for each in _objects(content["categories"]) if _names(each)}
    annotations = [each for each in _objects(content["annotations"]) if _id(each, "category_id") in categories]
    used = Counter(_id(each, "category_id") for each in annotations if _has_labels(each))
    if not used:
        raise ToolboxError(
            f"{source.path} is in the form of COCO, but has no annotation with keypoints that have names"
        )
    chosen = used.most_common(1)[0][0]
    parts = _names(categories[chosen])
    collection = Collection(source, KIND, parts)
    _tell_others(collection, categories, used, chosen)
    by_image = defaultdict[Any, list[dict[str, Any]]](list)
    for each in annotations:
        if _id(each, "category_id") == chosen and _has_labels(each) and not each.get("iscrowd"):
            by_image[_id(each, "image_id")].append(each)
    hidden = _add_images(collection, _objects(content["images"]), by_image, parts)
    if hidden:
        collection.remarks.append(f"{hidden} labels are of parts that are hidden; they are taken over as labels")
    settings = skeleton_setting(_edges(categories[chosen].get("skeleton"), parts), parts)
    if _contributor(content) == "Label Studio":
        collection.remarks.append(_ROUNDED)
        return collection.found(settings=settings, zero=CORNER, as_shown=True)
    found = collection.found(settings=settings)
    has_fractions = bool((found.values[np.isfinite(found.values)] % 1).any())
    return replace(found, doubt=_DOUBT if has_fractions else "")


def _add_images(
    collection: Collection,
    images: Sequence[Mapping[str, Any]],
    by_image: Mapping[Any, Sequence[Mapping[str, Any]]],
    parts: list[str],
) -> int:
    """Add the images that have one animal, and return how many of the labels are of hidden parts."""
    known, hidden = {(_id(image), str(image.get("file_name", ""))): image for image in images}, 0
    times = Counter(number for number, _ in known)
    for (number, name), image in known.items():
        own = by_image.get(number, []) if number is not None else []
        if len(own) != 1:
            collection.pass_over(name, SEVERAL if own else NO_LABEL)
            continue
        if times[number] > 1:
            collection.pass_over(name, f"has the id {number}, as another image has: nothing tells whose the labels are")
            continue
        try:
            places, flags = _places(own[0], parts)
        except (TypeError, ValueError, OverflowError):
            collection.pass_over(name, f"has keypoints that are not {len(parts)} times x, y and a flag")
            continue
        hidden += flags[_HIDDEN]
        with collection.leaving_out(name):
            collection.add(name, places, size=size_of(image.get("width"), image.get("height")))
    for number in by_image.keys() - (times.keys() - {None}):
        collection.leave_out(f"image {number}", "is annotated, but not in the list of images")
    return hidden


def _contributor(content: Mapping[str, Any]) -> Any:
    """Return which program a file says it is from."""
    return info.get("contributor") if isinstance(info := content.get("info"), dict) else None


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; what is anything else is passed over."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _id(entry: Mapping[str, Any], key: str = "id") -> str | None:
    """Return the number by which an entry is known, or names another one, as a text as some write it; None for none."""
    number = entry.get(key)
    return str(number) if isinstance(number, int | str) else None


def _names(category: Mapping[str, Any]) -> list[str]:
    """Return the keypoints' names of a category."""
    names = category.get("keypoints")
    return [str(name) for name in names] if isinstance(names, list) else []


def _has_labels(annotation: Mapping[str, Any]) -> bool:
    """Tell whether any keypoint of an annotation has a label."""
    values = annotation.get("keypoints")
    return isinstance(values, list) and any(flag != _NOT_LABELED for flag in values[2::3])


def _places(annotation: Mapping[str, Any], parts: list[str]) -> tuple[Places, Counter[int]]:
    """Return x and y of the labeled parts, and how many have each flag."""
    values = [float(value) for value in annotation["keypoints"]]
    if len(values) != 3 * len(parts):
        raise ValueError
    points = {part: (values[3 * k], values[3 * k + 1]) for k, part in enumerate(parts)}
    flags = {part: int(values[3 * k + 2]) for k, part in enumerate(parts)}
    return {part: points[part] for part in parts if flags[part] != _NOT_LABELED}, Counter(flags.values())


def _edges(value: Any, parts: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of a skeleton, which counts keypoints from 1."""
    pairs = value if isinstance(value, list) else []
    numbers = range(1, len(parts) + 1)
    return [
        (parts[pair[0] - 1], parts[pair[1] - 1])
        for pair in pairs
        if isinstance(pair, list) and len(pair) == 2 and all(type(end) is int and end in numbers for end in pair)
    ]


def _tell_others(
    collection: Collection, categories: Mapping[Any, Mapping[str, Any]], used: Mapping[Any, int], chosen: Any
) -> None:
    """Name the categories that are not read."""
    for number, times in used.items():
        if number != chosen:
            collection.leave_out(
                f"category {categories[number].get('name', number)}", f"is not the one with most labels ({times} there)"
            )
