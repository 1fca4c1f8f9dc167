"""Keypoints of Label Studio, in its exports 'JSON' and 'JSON-MIN'.

Places are in percent of the image as it is drawn, so that 0 is the left edge of the first pixel, and 100 the right edge
of the last: the centre of the first pixel is half a pixel from 0, to which Label Studio itself snaps. The browser draws
it, and turns what is marked to be turned (EXIF).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from dlc_toolbox.exchange.readers.collecting import NO_LABEL, SEVERAL, Collection, size_of
from dlc_toolbox.exchange.readers.found import CORNER, Found
from dlc_toolbox.exchange.readers.source import Source

KIND = "an export of Label Studio"

_TYPE = "keypointlabels"
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  # begins the name of an uploaded image


def is_label_studio(source: Source) -> bool:
    """Tell a json list of tasks."""
    content = source.json
    return isinstance(content, list) and any(isinstance(task, dict) and _is_task(task) for task in content)


def _is_task(task: Mapping[str, Any]) -> bool:
    """Tell a task of the export JSON, or one of JSON-MIN, which has keypoints right in it."""
    return isinstance(task.get("data"), dict) or any(_is_points(value) for value in task.values())


def _is_points(value: Any) -> bool:
    """Tell a list of keypoints."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and _TYPE in value[0]


def read_label_studio(source: Source) -> Found:
    """Read the keypoints of every task.

    Raises
    ------
    ToolboxError
        When nothing can be used.
    """
    tasks = [task for task in source.json if isinstance(task, dict)]
    used = dict.fromkeys(name for task in tasks for one in _annotations(task) for name, _ in _named(one))
    collection = Collection(source, KIND, list(used))
    for number, task in enumerate(source.json):
        if not isinstance(task, dict):
            collection.leave_out(f"entry {number}", "is no task")
            continue
        what = _image(_address(task)) or f"task {task.get('id', '?')}"
        with collection.leaving_out(what):
            _add_task(collection, what, task)
    return collection.found(zero=CORNER, as_shown=True)


def _add_task(collection: Collection, what: str, task: Mapping[str, Any]) -> None:
    """Add the image of a task, or why it cannot be used."""
    address = _address(task)
    image = _image(address)
    if image is None:
        collection.leave_out(what, "names no image")
        return
    annotations = [one for one in _annotations(task) if one]
    named = list(_named(annotations[0])) if len(annotations) == 1 else []
    size = size_of(named[0][1].get("original_width"), named[0][1].get("original_height")) if named else None
    problem = "was labeled more than once" if len(annotations) > 1 else _problem(named)
    if problem or size is None:
        why = problem or "has no size, of which its places are percents"
        collection.pass_over(_own_name(image), why, tried=[image], origin=address)
        return
    if nameless := len(annotations[0]) - len(named):
        collection.remarks.append(f"{image}: {nameless} points have not one name each, and are no labels")
    places = {name: (point["x"] / 100 * size[0], point["y"] / 100 * size[1]) for name, point in named}
    collection.add(_own_name(image), places, size=size, tried=[image], origin=address)


def _annotations(task: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the keypoints of each annotation that was not cancelled, with all they say in one object each."""
    if not isinstance(task.get("data"), dict):
        yield [point for value in task.values() if _is_points(value) for point in value if isinstance(point, dict)]
        return
    listed = task.get("annotations") or task.get("completions")
    for annotation in listed if isinstance(listed, list) else []:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        results = annotation.get("result")
        yield [
            {**result, **result["value"]}
            for result in (results if isinstance(results, list) else [])
            if isinstance(result, dict) and result.get("type") == _TYPE and isinstance(result.get("value"), dict)
        ]


def _named(points: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the keypoints that have one name, with it."""
    for point in points:
        names = point.get(_TYPE)
        if isinstance(names, list) and len(names) == 1 and isinstance(names[0], str) and names[0].strip():
            yield names[0], point


def _problem(named: list[tuple[str, dict[str, Any]]]) -> str | None:
    """Say why keypoints cannot be used, in words that follow 'because it'; None where they can."""
    if not named:
        return NO_LABEL
    twice = [name for name, times in Counter(name for name, _ in named).items() if times > 1]
    if twice:
        return f"{SEVERAL} ({twice[0]!r} is there {sum(name == twice[0] for name, _ in named)} times)"
    if any(point.get("image_rotation") for _, point in named):
        return "was turned while it was labeled"
    numbers = [point.get(axis) for _, point in named for axis in "xy"]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        return "has a place that is no number"
    return None


def _address(task: Mapping[str, Any]) -> str:
    """Return the address of a task's image, whatever Label Studio gave it; empty without any."""
    data = task["data"] if isinstance(task.get("data"), dict) else task
    values = (data.get(key) for key in ("image", "img", *data))
    named = (each for each in values if isinstance(each, str) and re.search(r"\.(png|jpe?g|tiff?|bmp)\b", each, re.I))
    return next(named, "")


def _image(address: str) -> str | None:
    """Return the path of the image in an address; None without any."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    local = parse_qs(parts.query).get("d")
    return unquote(local[0] if local else parts.path).lstrip("/") or None


def _own_name(image: str) -> str:
    """Return the path of an image as it was before it was uploaded."""
    if not image.startswith("data/upload/"):
        return image
    return _UPLOADED.sub("", image.rpartition("/")[2])
