"""Tracks of CVAT, as its format 'CVAT for video 1.1' writes them.

A person sets key frames; in the frames between them CVAT interpolates, and writes what it found as if it were placed.
Only key frames are labels of a person. Frames are counted as in the video, from 0, whatever step the task takes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import NamedTuple
from xml.etree.ElementTree import Element

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
from dlc_toolbox.exchange.readers.found import CORNER, Found, FrameOf, find_file, not_there, safe_name
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.project.layout import video_stem

_HALF_PLACED = "has parts that CVAT interpolated and nobody placed: make it a key frame of all its parts there"


class _Film(NamedTuple):
    """A video that was labeled, by its name there, and the size of its frames."""

    name: str
    size: tuple[int, int] | None

    @property
    def stem(self) -> str:
        """Name of the folder for its frames here."""
        return video_stem(Path(self.name))


class _Point(NamedTuple):
    """A body part in one frame: of an animal, by the number of its track, where that has a skeleton."""

    animal: int | None
    part: str
    element: Element

    @property
    def is_placed(self) -> bool:
        """Whether a person placed it, in a key frame."""
        return self.element.get("keyframe") == "1"


def is_of_video(root: Element) -> bool:
    """Tell tracks from images."""
    return root.find("track") is not None and root.find("image") is None


def read_tracks(source: Source, root: Element, kind: str) -> Found:
    """Read the key frames; those in which only some of the visible parts were placed are left out.

    Raises
    ------
    ToolboxError
        When the file names no video, or nothing can be used.
    """
    films = _films(root)
    if not films:
        raise ToolboxError(f"{source.path} has tracks, but names no video that its frames are of: {ADVICE}")
    frames = defaultdict[tuple[str | None, int], list[_Point]](list)
    for number, track in enumerate(root.findall("track")):
        for frame, part, element in _points(track):
            animal = number if track.find("skeleton") is not None else None
            frames[_film_of(track, films), frame].append(_Point(animal, part, element))
    collection = Collection(source, kind, parts_of(root, [point.part for of in frames.values() for point in of]))
    between, labels = 0, list[Element]()
    for (film, frame), points in sorted(frames.items(), key=lambda item: (item[0][0] or "", item[0][1])):
        seen = [point for point in points if not is_outside(point.element)]
        if not any(point.is_placed for point in seen):
            between += bool(seen)
        elif film is None:
            collection.leave_out(f"frame {frame}", "is of a video that the file does not name")
        elif _add_frame(collection, source, films[film], frame, seen, may_have_images=len(films) == 1):
            labels += [point.element for point in seen]
    collection.remarks += occluded_in_words(labels)
    if between:
        collection.remarks.append(f"{between} frames lie between key frames, where CVAT interpolated: no labels")
    return collection.found(zero=CORNER)


def _films(root: Element) -> dict[str | None, _Film]:
    """Return the videos by the number of their task."""
    return {
        task.findtext("id"): _Film(PureWindowsPath(source.text).name, _size(task))
        for task in root.iterfind("meta//*")
        if (source := task.find("source")) is not None and source.text
    }


def _size(task: Element) -> tuple[int, int] | None:
    """Return width and height of a task's frames, where it tells."""
    told = task.find("original_size")
    return None if told is None else size_of(number_of(told.findtext("width")), number_of(told.findtext("height")))


def _film_of(track: Element, films: Mapping[str | None, _Film]) -> str | None:
    """Return the number of the task of a track: its own, or the only one; None where nobody knows."""
    task = track.get("task_id")
    return task if task in films else next(iter(films)) if len(films) == 1 else None


def _points(track: Element) -> Iterator[tuple[int, str, Element]]:
    """Yield frame, body part and point; a skeleton has the parts, a track of points is one part."""
    for shape in track:
        frame = number_of(shape.get("frame"))
        if frame is not None and shape.tag == "skeleton":
            yield from ((frame, each.get("label", ""), each) for each in shape.findall("points"))
        elif frame is not None and shape.tag == "points":
            yield frame, track.get("label", ""), shape


def _add_frame(
    collection: Collection,
    source: Source,
    film: _Film,
    frame: int,
    seen: Sequence[_Point],
    *,
    may_have_images: bool,
) -> bool:
    """Add the image of a key frame, or why it cannot be used; tell whether it came."""
    what = f"{film.stem}, frame {frame}"
    why = _why_not(film, seen)
    if why is None:
        try:
            places = {point.part: place_of(point.element, point.part) for point in seen}
        except ValueError as error:
            why = str(error)
    if why is not None:
        collection.leave_out(what, why)
        return False
    image = f"frame_{frame:06d}.PNG"  # as CVAT names it beside the xml, when it exports images, too
    there = find_file(image, source.homes) if may_have_images else None
    if there is not None:
        collection.add(f"{film.stem}/img{frame:06d}.png", places, size=film.size, tried=[image])
        return True
    video = find_file(film.name, [*source.homes, source.homes[-1] / "videos"])
    if video is None:
        collection.leave_out(what, not_there(film.name))
        return False
    collection.add_made(f"{film.stem}/img{frame:06d}.png", places, FrameOf(video, frame), size=film.size)
    return True


def _why_not(film: _Film, seen: Sequence[_Point]) -> str | None:
    """Say why a key frame cannot be used, in words that follow 'because it'; None where it can."""
    try:
        safe_name(film.stem)
    except ValueError as error:
        return str(error)
    animals = {point.animal for point in seen} - {None}
    if len(animals) > 1 or max(Counter(point.part for point in seen).values()) > 1:
        return SEVERAL
    if not all(point.is_placed for point in seen):
        return _HALF_PLACED
    return None
