"""Training data in NWB files (ndx-pose: PoseTraining), read by h5py alone.

ndx-pose does not say where 0 is in a pixel; what writes these files (sleap-io) writes places counted from the centre of
the first one, as they are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PureWindowsPath

import h5py
import numpy as np

from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.collecting import SEVERAL, Collection, Places, size_of
from dlc_toolbox.exchange.readers.found import Found, FrameOf, find_file, not_there, safe_name, skeleton_setting
from dlc_toolbox.exchange.readers.nwb_pictures import Inside, add_pictures, picture_of
from dlc_toolbox.exchange.readers.source import Source, rows_of, texts_of
from dlc_toolbox.project.layout import video_stem

KIND = "an NWB file with training data (ndx-pose)"

_TYPE = "neurodata_type"


def is_nwb(source: Source) -> bool:
    """Tell an HDF5 file of NWB."""
    if not source.groups & {"specifications", "processing", "acquisition"}:
        return False
    with source.hdf5(KIND) as file:
        return "nwb_version" in file.attrs


def read_nwb(source: Source) -> Found:
    """Read the training frames.

    Raises
    ------
    ToolboxError
        When there are none, the file is damaged or leads to others, or nothing can be used.
    """
    with source.hdf5(KIND) as file:
        _refuse_links(file)
        frames = sorted(_of_type(file, "TrainingFrame"), key=lambda group: group.name)
        if not frames:
            raise ToolboxError(
                f"{source.path} is an NWB file without training frames of ndx-pose (PoseTraining), the one kind of "
                "labels in it that can be read"
            )
        parts, edges = _skeleton(frames)
        collection = Collection(source, KIND, parts)
        people, inside = set[str](), list[Inside]()
        for frame in frames:
            with suppress(ValueError):  # a name in another encoding
                people |= set(texts_of(frame.attrs.get("annotator", [])))
            with collection.leaving_out(frame.name.rpartition("/")[2]):
                inside += _add_frame(collection, source, frame, parts)
        add_pictures(collection, source.path, inside)
    scorer = people.pop() if len(people) == 1 else None
    return collection.found(scorer, settings=skeleton_setting(edges, parts))


def _of_type(group: h5py.Group, kind: str) -> list[h5py.Group]:
    """Return the groups of a type of NWB."""
    nodes = dict[str, object]()
    group.visititems(nodes.__setitem__)
    return [node for node in nodes.values() if isinstance(node, h5py.Group) and _type(node) == kind]


def _refuse_links(file: h5py.File) -> None:
    """Raise when anything in the file lies in another one."""
    links = dict[str, object]()
    file.visititems_links(links.__setitem__)
    for name, link in links.items():
        if isinstance(link, h5py.ExternalLink):
            raise ToolboxError(f"{file.filename} is refused: its {name!r} leads to another file, {link.filename}")


def _instances(frame: h5py.Group) -> list[h5py.Group]:
    """Return the animals of a frame."""
    return _of_type(frame, "SkeletonInstance")


def _skeleton_of(instance: h5py.Group) -> h5py.Group | None:
    """Return the skeleton that an animal links to, under whatever name."""
    linked = (instance.get(name) for name in instance)
    return next((node for node in linked if isinstance(node, h5py.Group) and _type(node) == "Skeleton"), None)


def _type(node: h5py.Group) -> str:
    """Return the type of NWB that a group says it is."""
    return texts_of(node.attrs.get(_TYPE, ""))[0]


def _skeleton(frames: Sequence[h5py.Group]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return body parts and edges of the first animal's skeleton."""
    for frame in frames:
        for instance in _instances(frame):
            if (skeleton := _skeleton_of(instance)) is not None:
                parts = texts_of(rows_of(skeleton, "nodes"))
                pairs = np.reshape(rows_of(skeleton, "edges") if "edges" in skeleton else [], (-1, 2)).astype(int)
                known = range(len(parts))
                return parts, [(parts[a], parts[b]) for a, b in pairs.tolist() if a in known and b in known]
    raise ToolboxError(f"{frames[0].file.filename} has training frames, but no animal with a skeleton in any")


def _add_frame(collection: Collection, source: Source, frame: h5py.Group, parts: Sequence[str]) -> list[Inside]:
    """Add the image of a training frame; return the frame where its picture is in the file."""
    name, instances = frame.name.rpartition("/")[2], _instances(frame)
    if len(instances) != 1:
        collection.leave_out(name, SEVERAL if instances else "has no animal")
        return []
    try:
        places, picture = _places(instances[0], parts), picture_of(frame)
    except ToolboxError as error:
        collection.leave_out(name, str(error))
        return []
    if picture is not None:
        return [Inside(name, picture[0], places, picture[1])]
    series, number = frame.get("source_video"), frame.attrs.get("source_video_frame_index")
    if series is None or number is None or "external_file" not in series:
        collection.leave_out(name, "names neither a frame of a video nor a picture")
    else:
        _add_external(collection, source, name, series, int(number), places)
    return []


def _add_external(
    collection: Collection, source: Source, name: str, series: h5py.Group, number: int, places: Places
) -> None:
    """Add a frame of a video that is a file, or one of a list of images."""
    paths = texts_of(rows_of(series, "external_file"))
    if len(paths) > 1:
        if number < len(paths):
            collection.add(paths[number], places)
        else:
            collection.leave_out(name, "is of a list of images that is shorter")
        return
    found = Path(paths[0]) if Path(paths[0]).is_file() else find_file(paths[0], source.homes)
    stem = video_stem(Path(PureWindowsPath(paths[0]).name))
    try:
        safe_name(stem)
    except ValueError as error:
        collection.leave_out(name, str(error))
        return
    if found is None:
        collection.leave_out(name, not_there(paths[0]))
    else:
        size = size_of(*rows_of(series, "dimension").tolist()[:2]) if "dimension" in series else None
        collection.add_made(f"{stem}/img{number:06d}.png", places, FrameOf(found, number), size=size)


def _places(instance: h5py.Group, parts: Sequence[str]) -> Places:
    """Return x and y of the nodes that are visible; raise ToolboxError when they do not fit the skeleton."""
    skeleton = _skeleton_of(instance)
    own = texts_of(rows_of(skeleton, "nodes")) if skeleton is not None else []
    locations = np.asarray(rows_of(instance, "node_locations"), float)
    if own != list(parts) or locations.shape != (len(parts), 2):
        raise ToolboxError("has another skeleton than the first frame, or places that are not x and y")
    visible = np.ones(len(parts), bool)
    if "node_visibility" in instance:
        visible = np.asarray(rows_of(instance, "node_visibility"), bool)
    if visible.shape != (len(parts),):
        raise ToolboxError("does not tell of each part whether it is visible")
    return {part: (x, y) for part, (x, y), seen in zip(parts, locations.tolist(), visible, strict=True) if seen}
