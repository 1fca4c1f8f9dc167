"""Projects of SLEAP (.slp), with their images inside (.pkg.slp) or frames of videos.

Since version 1.1 of the format 0, 0 is the centre of the first pixel; before, its corner. SLEAP and sleap-io subtract
0.5 from the places of older files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import SEVERAL, Collection, Places
from dlc_toolbox.exchange.readers.found import CENTRE, CORNER, Found, skeleton_setting
from dlc_toolbox.exchange.readers.sleap_videos import read_videos, video_of
from dlc_toolbox.exchange.readers.source import Source, rows_of, texts_of

KIND = "a project of SLEAP"

_CENTRED_SINCE = 1.1
_OF_A_PERSON = 0  # instance_type; 1: predicted
_EDGE = 1  # type of a link; 2: symmetry


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
        (text,) = texts_of(file["metadata"].attrs["json"])
        videos = read_videos(file, source.path.name.partition(".")[0])
        frames, instances, points = (rows_of(file, name) for name in ("frames", "instances", "points"))
    chosen, others = _most_used(instances)
    parts, edges = _skeleton(json.loads(text), chosen)
    collection = Collection(source, KIND, parts)
    uncorrected = 0
    for frame in frames:
        video, index = video_of(int(frame["video"]), videos), int(frame["frame_idx"])
        what = f"{video.folder}, frame {index}" if video else f"frame {index}"
        with collection.leaving_out(what):
            own = _rows_between(instances, frame["instance_id_start"], frame["instance_id_end"])
            uncorrected += int(len(own) > 0 and not (own["instance_type"] == _OF_A_PERSON).any())
            placed = [each for each in own if each["instance_type"] == _OF_A_PERSON and int(each["skeleton"]) == chosen]
            if placed and video is None:
                collection.leave_out(what, "is of a video that the project does not list")
            elif len(placed) > 1:
                collection.leave_out(what, SEVERAL)
            elif placed and video is not None:
                video.add_frame(collection, source, index, _places(points, placed[0], parts))
    _tell(collection, uncorrected, others)
    zero = CENTRE if format_id >= _CENTRED_SINCE else CORNER
    there = tuple(dict.fromkeys(path for video in videos if (path := video.find(source)) is not None))
    return collection.found(zero=zero, settings=skeleton_setting(edges, parts), videos=there)


def _most_used(instances: np.ndarray) -> tuple[int, int]:
    """Return the number of the skeleton that people placed most, and how many instances have another one."""
    used = Counter(int(number) for number in instances["skeleton"][instances["instance_type"] == _OF_A_PERSON])
    chosen = used.most_common(1)[0][0] if used else 0
    return chosen, used.total() - used[chosen]


def _skeleton(metadata: Mapping[str, Any], number: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Return body parts and edges of a skeleton; its links are what jsonpickle wrote, of which nothing is executed."""
    skeleton = metadata["skeletons"][number]
    graph = skeleton.get("nx_graph", skeleton)
    names = {place: str(node["name"]) for place, node in enumerate(metadata["nodes"])}
    return [names[node["id"]] for node in graph["nodes"]], _edges(graph.get("links", []), names)


def _edges(links: Any, names: Mapping[int, str]) -> list[tuple[str, str]]:
    """Return the pairs of body parts that links join; what is no link of two of them is passed over."""
    kinds, edges = list[int](), list[tuple[str, str]]()
    for link in links if isinstance(links, list) else []:
        with suppress(AttributeError, IndexError, KeyError, TypeError):
            kind = link.get("type", {})
            if "py/reduce" in kind:  # an object that comes for the first time; later ones name it by its number
                kinds.append(kind["py/reduce"][1]["py/tuple"][0])
                told = kinds[-1]
            else:
                place = kind.get("py/id", _EDGE)
                told = kinds[place - 1] if 0 < place <= len(kinds) else place
            if told == _EDGE:
                edges.append((names[link["source"]], names[link["target"]]))
    return edges


def _rows_between(rows: np.ndarray, start: Any, end: Any) -> np.ndarray:
    """Return some rows of a table; raise ToolboxError where there are none of these numbers."""
    if not 0 <= start <= end <= len(rows):
        raise ToolboxError(f"names the rows {start} to {end} of a table that has {len(rows)}")
    return rows[int(start) : int(end)]


def _places(points: np.ndarray, instance: np.void, parts: Sequence[str]) -> Places:
    """Return x and y of the parts that are visible."""
    own = _rows_between(points, instance["point_id_start"], instance["point_id_end"])
    return {
        part: (float(point["x"]), float(point["y"]))
        for part, point in zip(parts, own, strict=False)
        if point["visible"]
    }


def _tell(collection: Collection, uncorrected: int, others: int) -> None:
    """Count what a person may miss."""
    if uncorrected:
        collection.remarks.append(
            f"{uncorrected} frames have only instances that SLEAP found and nobody corrected: no labels, so they stay"
        )
    if others:
        collection.leave_out(f"{others} instances in all", "has another skeleton than most")
