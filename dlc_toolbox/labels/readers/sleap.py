"""Projects of SLEAP (.slp), with their images inside (.pkg.slp) or frames of videos.

Since version 1.1 of the format 0, 0 is the centre of the first pixel; before, its corner. SLEAP and sleap-io subtract
0.5 from the places of older files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import h5py
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.readers.collecting import NO_LABEL, SEVERAL, Collection, Places
from dlc_toolbox.labels.readers.found import CENTRE, CORNER, Found, FrameOf, find_file, safe_name, skeleton_setting
from dlc_toolbox.labels.readers.source import Source, refuse_huge, rows_of, texts_of
from dlc_toolbox.project.layout import video_stem

KIND = "a project of SLEAP"

_CENTRED_SINCE, _ORDER_SINCE = 1.1, 1.4
_OF_A_PERSON = 0  # instance_type; 1: predicted
_EDGE = 1  # type of a link; 2: symmetry
_DIGITS = 6


@dataclass(frozen=True)
class _Video:
    """One video of a project.

    Parameters
    ----------
    name : str
        Path of the recording, as it was on the machine where frames were labeled; empty where nothing tells.
    images : sequence of str
        Paths of its frames, where it is a list of images.
    dataset : str
        Where its labeled frames are in the file; empty where they are not.
    places : mapping of int to int
        Where each frame is in the dataset.
    trouble : str
        Why its frames cannot be had; empty where they can.
    """

    name: str = ""
    images: Sequence[str] = ()
    dataset: str = ""
    places: Mapping[int, int] | None = None
    trouble: str = ""


def is_sleap(source: Source) -> bool:
    """Tell an HDF5 file with what every project of SLEAP has."""
    return {"metadata", "frames", "instances", "points", "videos_json"} <= source.groups


def read_sleap(source: Source) -> Found:
    """Read the instances that people placed; those that a network found are no labels, and counted.

    A frame with several animals is left out. Frames come out of the file where they are in it, else out of the video.

    Raises
    ------
    ToolboxError
        When the file is damaged or hostile, or nothing can be used.
    """
    with source.hdf5(KIND) as file:
        format_id = float(file["metadata"].attrs.get("format_id", 1.0))
        metadata = json.loads(_metadata(file))
        videos = _videos(file)
        frames, instances, points = (rows_of(file, name) for name in ("frames", "instances", "points"))
        crops = rows_of(file, "video_crops") if "video_crops" in file else ()
    skeletons = [_skeleton(metadata, each) for each in metadata["skeletons"]]
    mine = instances["instance_type"] == _OF_A_PERSON
    used = Counter(int(number) for number in instances["skeleton"][mine])
    chosen = used.most_common(1)[0][0] if used else 0
    parts, edges = skeletons[chosen]
    collection = Collection(source, KIND, parts)
    if len(crops):
        raise ToolboxError(
            f"{source.path} has cropped videos, of which the frames cannot be told; save it without crops"
        )
    folders = _folders(videos, source)
    predicted = 0
    for frame in frames:
        own = instances[int(frame["instance_id_start"]) : int(frame["instance_id_end"])]
        placed = [each for each in own if each["instance_type"] == _OF_A_PERSON and int(each["skeleton"]) == chosen]
        number, index = _video_of(int(frame["video"]), videos), int(frame["frame_idx"])
        predicted += int(len(own) > 0 and not any(each["instance_type"] == _OF_A_PERSON for each in own))
        if not placed:
            continue
        if len(placed) > 1:
            collection.leave_out(f"{folders.get(number, number)}, frame {index}", SEVERAL)
            continue
        places = _places(points, placed[0], parts)
        _add_frame(collection, source, videos, number, folders, index, places, format_id)
    _tell(collection, predicted, used, chosen)
    zero = CENTRE if format_id >= _CENTRED_SINCE else CORNER
    return collection.found(zero=zero, settings=skeleton_setting(edges, parts))


def _metadata(file: h5py.File) -> str:
    """Return the json of skeletons, which is an attribute."""
    (text,) = texts_of(file["metadata"].attrs["json"])
    return text


def _skeleton(metadata: Mapping[str, Any], skeleton: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return body parts and edges of a skeleton; its links are what jsonpickle wrote, of which nothing is executed."""
    graph = skeleton.get("nx_graph", skeleton)
    names = {number: str(node["name"]) for number, node in enumerate(metadata["nodes"])}
    kinds, edges = list[int](), list[tuple[str, str]]()
    for link in graph.get("links", []):
        kind = link.get("type", {})
        if "py/reduce" in kind:
            kinds.append(kind["py/reduce"][1]["py/tuple"][0])
            told = kinds[-1]
        else:
            number = kind.get("py/id", _EDGE)
            told = kinds[number - 1] if 0 < number <= len(kinds) else number
        if told == _EDGE:
            edges.append((names[link["source"]], names[link["target"]]))
    return [names[node["id"]] for node in graph["nodes"]], edges


# ---- Videos ----


def _videos(file: h5py.File) -> list[_Video]:
    """Return the videos of a project, in its order."""
    return [_video(file, json.loads(text)) for text in texts_of(rows_of(file, "videos_json"))]


def _video(file: h5py.File, content: Mapping[str, Any]) -> _Video:
    """Return one video."""
    backend = content.get("backend", content)
    filename = backend.get("filename", content.get("filename", ""))
    images = backend.get("filenames") or (filename if isinstance(filename, list) else [])
    if images:
        return _Video(images=[str(path) for path in images])
    if filename == ".":
        return _embedded(file, str(backend.get("dataset", "")))
    if backend.get("dataset"):
        return _Video(str(filename), trouble="is a frame of a video in an HDF5 file, which is not read here")
    return _Video(str(filename))


def _embedded(file: h5py.File, dataset: str) -> _Video:
    """Return a video of which the labeled frames are in the file."""
    group = dataset.removesuffix("/video")
    try:
        numbers = rows_of(file, f"{group}/frame_numbers").astype(int).tolist()
        refuse_huge(file[f"{group}/video"])
    except (ToolboxError, KeyError, AttributeError) as error:
        return _Video(trouble=f"is not in the file: {error}")
    original = file.get(f"{group}/source_video")
    text = None
    if original is not None:
        text = rows_of(original, "json") if "json" in original else original.attrs.get("json")
    known = _video(file, json.loads(texts_of(text)[0])) if text is not None else _Video()
    places = {number: place for place, number in enumerate(numbers)}
    return _Video(known.name, known.images, f"{group}/video", places)


def _video_of(number: int, videos: Sequence[_Video]) -> int:
    """Return the position of the video that a frame names, by the number in its dataset where there is one."""
    named = [place for place, video in enumerate(videos) if video.dataset == f"video{number}/video"]
    return named[0] if named else number


def _folders(videos: Sequence[_Video], source: Source) -> dict[int, str]:
    """Return a name for the folder of each video's frames: its stem, with its folder where others have the same."""
    paths = {n: PureWindowsPath(video.name.replace("/", "\\")) for n, video in enumerate(videos)}
    stems = {n: video_stem(Path(path.name)) for n, path in paths.items() if path.name}
    times = Counter(stems.values())
    named = {n: stem if times[stem] == 1 else f"{paths[n].parent.name}_{stem}" for n, stem in stems.items()}
    own = source.path.name.partition(".")[0]
    folders = {n: named.get(n, f"{own}_video{n}") for n in paths}
    again = Counter(folders.values())
    return {n: name if again[name] == 1 else f"{name}_video{n}" for n, name in folders.items()}


# ---- Frames ----


def _add_frame(
    collection: Collection,
    source: Source,
    videos: Sequence[_Video],
    number: int,
    folders: Mapping[int, str],
    index: int,
    places: Places,
    format_id: float,
) -> None:
    """Add the image of a labeled frame: a file, one in the project, or one to be decoded."""
    name = f"{folders.get(number, number)}, frame {index}"
    if not 0 <= number < len(videos):
        collection.leave_out(name, "is of a video that the project does not list")
        return
    video, row = videos[number], f"{folders[number]}/img{index:0{_DIGITS}d}.png"
    if video.images and index < len(video.images) and not video.dataset:
        collection.add(video.images[index], places)
        return
    try:
        safe_name(folders[number])
    except ValueError as error:
        collection.leave_out(name, str(error))
        return
    if video.trouble:
        collection.leave_out(name, video.trouble)
    elif video.dataset:
        place = (video.places or {}).get(index)
        if place is None:
            collection.leave_out(name, "is labeled, but not in the file")
            return
        dataset = video.dataset
        collection.add_made(row, places, lambda: _decoded(source.path, dataset, place, format_id))
    else:
        path = Path(video.name)
        found = path if path.is_file() else find_file(video.name, [*source.homes, source.homes[-1] / "videos"])
        if found is None:
            collection.leave_out(name, f"is of {PureWindowsPath(video.name).name}, which is not there")
            return
        collection.add_made(row, places, FrameOf(found, index))


def _decoded(path: Path, dataset: str, place: int, format_id: float) -> np.ndarray:
    """Return an image in a project, uint8 RGB (H, W, 3)."""
    with h5py.File(path, "r") as file:
        stored = file[dataset]
        form = texts_of(stored.attrs.get("format", "hdf5"))[0]
        order = texts_of(stored.attrs.get("channel_order", "BGR" if format_id < _ORDER_SINCE else "RGB"))[0]
        values = np.asarray(stored[place])
    image = values if form == "hdf5" else _unpacked(values, order)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] < 3):
        raise ToolboxError("is no image of 8 bits")
    return np.ascontiguousarray(np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[..., :3])


def _unpacked(values: np.ndarray, order: str) -> np.ndarray:
    """Decode the bytes of a png or jpg; OpenCV turns the order of colours around, in reading as in writing."""
    image = cv2.imdecode(values.astype(np.int8).view(np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ToolboxError("is damaged")
    return image[..., 2::-1] if image.ndim == 3 and order == "RGB" else image


def _places(points: np.ndarray, instance: np.void, parts: Sequence[str]) -> Places:
    """Return x and y of the parts that are visible."""
    own = points[int(instance["point_id_start"]) : int(instance["point_id_end"])]
    return {
        part: (float(point["x"]), float(point["y"]))
        for part, point in zip(parts, own, strict=False)
        if point["visible"]
    }


def _tell(collection: Collection, predicted: int, used: Mapping[int, int], chosen: int) -> None:
    """Count what a person may miss."""
    if predicted:
        collection.remarks.append(
            f"{predicted} frames have only instances that SLEAP found and nobody corrected: no labels, they stay there"
        )
    others = sum(times for number, times in used.items() if number != chosen)
    if others:
        collection.leave_out(f"{others} instances", "are of another skeleton than most")
    empty = [entry for entry in collection.left_out if entry.why == NO_LABEL]
    if empty:
        collection.remarks.append(f"{len(empty)} frames have an instance without a visible point")
