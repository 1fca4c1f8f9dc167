"""Projects of DeepLabCut 2 and 3: labels of every folder, what their config.yaml sets, and their splits."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Any

from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.images import image_size
from dlc_common.texts import read_text
from dlc_common.yaml_text import load_yaml
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.readers.deeplabcut_splits import read_splits
from dlc_toolbox.exchange.readers.found import Found, FrameOf, LeftOut, find_file, frames_in, skeleton_setting
from dlc_toolbox.exchange.readers.source import Source
from dlc_toolbox.exchange.readers.tables import gather, refuse_two_truths
from dlc_toolbox.project.tables import bodyparts_of, read_table
from dlc_toolbox.video.video import Video

log = logging.getLogger(__name__)

KIND = "a project of DeepLabCut 2 or 3"

_CONFIG = "config.yaml"
_ANALYSIS, _PROJECT = "myconfig_analysis.py", "myconfig.py"


def is_project(source: Source) -> bool:
    """Tell a project by its folder or its config.yaml."""
    return _config_path(source) is not None


def _config_path(source: Source) -> Path | None:
    """Return the config.yaml of a project, None where there is none."""
    if source.path.is_dir():
        return path if (path := source.path / _CONFIG).is_file() else None
    return source.path if source.path.suffix.lower() in (".yaml", ".yml") and source.path.is_file() else None


def read_project(source: Source) -> Found:
    """Read the labels of a project's scorer, its settings and its splits.

    Raises
    ------
    ToolboxError
        When it has several individuals, no labels, or a table that differs between csv and h5.
    """
    path = _config_path(source)
    assert path is not None
    config = _read_config(path)
    tables, left_out = _tables(path, str(config["scorer"]))
    found = gather(source, path, tables, KIND)
    videos, gone = _videos(_video_sets(config), source)
    settings, remarks = _settings(config, found, videos)
    splits, unsplit = read_splits(path.parent, found)
    return replace(
        found,
        frames=_frames(_video_sets(config), videos, found),
        videos=tuple(dict.fromkeys(videos.values())),
        settings=settings,
        splits=splits,
        left_out=(*left_out, *found.left_out, *unsplit),
        remarks=(*found.remarks, *gone, *remarks),
    )


def _tables(config_path: Path, scorer: str) -> tuple[list[Path], list[LeftOut]]:
    """Return the label tables, one per folder: the h5 where there are both, which must agree; and folders without."""
    home, tables, left_out, strangers = config_path.parent / "labeled-data", list[Path](), list[LeftOut](), set[str]()
    for folder in sorted(path for path in home.glob("*") if path.is_dir()):
        tried = [folder / f"CollectedData_{scorer}{suffix}" for suffix in (".h5", ".csv")]
        found = [path for path in tried if path.is_file()]
        strangers |= {path.stem for path in folder.glob("CollectedData_*") if path.stem != tried[0].stem}
        if not found:
            left_out.append(LeftOut(folder.name, f"has no CollectedData_{scorer}.h5 or .csv"))
        elif len(found) > 1 and not _can_be_read(found[0]):
            log.warning("%s is damaged; its csv is read in its place", found[0])
            tables.append(found[1])
        else:
            tables += found[:1]
    if strangers:
        log.info("%s: tables of others stay behind: %s", config_path, in_short(sorted(strangers)))
    if not tables:
        raise ToolboxError(
            f"{config_path} has scorer {scorer!r}, but no folder in {home} holds a CollectedData_{scorer}.h5 or .csv: "
            "label there first, or correct scorer"
        )
    refuse_two_truths([path for path in tables if path.suffix == ".h5"])
    return tables, left_out


def _can_be_read(path: Path) -> bool:
    """Tell whether a table is sound."""
    try:
        read_table(path, may_repeat=True)
    except UsersError:
        return False
    return True


def _read_config(path: Path) -> dict[str, Any]:
    """Read the config.yaml of a project with one animal."""
    try:
        config = load_yaml(read_text(path))
    except UsersError:
        raise
    except Exception as error:  # yaml raises many types on damaged values, such as KeyError on `!!bool maybe`
        reason = " ".join(str(error).split())
        raise ToolboxError(f"{path} cannot be read as the config.yaml of a DeepLabCut project: {reason}") from error
    if not isinstance(config, dict) or "scorer" not in config:
        raise ToolboxError(f"{path} has no `scorer: ...`, so it is no config.yaml of a DeepLabCut project")
    animals = config.get("individuals")
    if config.get("multianimalproject") and isinstance(animals, list) and len(animals) > 1:
        raise ToolboxError(
            f"{path} has the individuals {in_short(list(map(str, animals)))}; here every video has one animal, so it "
            "cannot be read"
        )
    return config


# ---- What config.yaml sets ----


def _video_sets(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what config.yaml says of each video, by its path there."""
    sets = config.get("video_sets")
    return {str(path): told for path, told in sets.items()} if isinstance(sets, dict) else {}


def _settings(
    config: Mapping[str, Any], found: Found, videos: Mapping[str, Path]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return what config.yaml says of settings, by file, and what of it cannot be taken over."""
    remarks = list[str]()
    analysis = skeleton_setting(_pairs(config.get("skeleton")), bodyparts_of(found.table)).get(_ANALYSIS, {})
    project = dict[str, Any]()
    if isinstance(pcutoff := config.get("pcutoff"), int | float):
        analysis["pcutoff"] = project["pcutoff"] = pcutoff
    fractions = config.get("TrainingFraction")
    if isinstance(fractions, list) and fractions:
        project["TrainingFraction"], analysis["trainingsFraction"] = fractions, fractions[0]
    if isinstance(config.get("cropping"), bool):
        edges = ("x1", "x2", "y1", "y2") if config["cropping"] else ()
        analysis |= {key: config[key] for key in ("cropping", *edges) if key in config}
    if sets := _video_sets(config):
        crop, told = _crop(sets, videos, found)
        project |= crop
        remarks += [*told, *_other_sizes(sets, videos, found)]
    return {name: values for name, values in ((_PROJECT, project), (_ANALYSIS, analysis)) if values}, remarks


def _pairs(value: Any) -> list[list[str]]:
    """Return the pairs of a list of pairs of texts; what is anything else is no bone of a skeleton."""
    pairs = value if isinstance(value, list) else []
    return [list(map(str, pair)) for pair in pairs if isinstance(pair, list) and len(pair) == 2]


def _videos(named: Collection[str], source: Source) -> tuple[dict[str, Path], list[str]]:
    """Return the videos that are there, by what config.yaml calls them, and say which are not."""
    videos, gone = dict[str, Path](), list[str]()
    for name in named:
        place = Path(name)
        found = place if place.is_file() else find_file(PureWindowsPath(name).name, _homes(source))
        if found is None:
            gone.append(PureWindowsPath(name).name)
        else:
            videos[name] = found.resolve()
    told = f"{len(gone)} of {len(named)} videos of config.yaml are not there, and not in filename: {in_short(gone)}"
    return videos, [told] if gone else []


def _homes(source: Source) -> list[Path]:
    """Return where a project's videos may be."""
    root = source.path if source.path.is_dir() else source.path.parent
    return [*source.homes[:-2], root / "videos", root]


def _crop(sets: Mapping[Any, Any], videos: Mapping[str, Path], found: Found) -> tuple[dict[str, Any], list[str]]:
    """Return the crop of the labeled images, where all videos have the same and it is less than their frames."""
    crops = {text: _crop_of(values) for text, values in sets.items()}
    known = {crop for crop in crops.values() if crop}
    if len(known) > 1:
        return {}, [f"config.yaml has {len(known)} different crops; here there is one for all videos, so none is set"]
    if not known or None in crops.values():
        return {}, []
    (x1, x2, y1, y2) = known.pop()
    sizes = {_size(found.images[rows[0]]) for rows in found.folders().values()} - {None}
    if sizes and (x2 - x1, y2 - y1) not in sizes:
        return {}, [f"the images are not as large as the crop {x1}, {x2}, {y1}, {y2} of config.yaml, so none is set"]
    frames = {size for video in list(videos.values())[:1] if (size := _frame_size(video))}
    is_whole = (x1, y1) == (0, 0) and (not frames or frames == {(x2, y2)})
    return {} if is_whole else {"cropping": True, "x1": x1, "x2": x2, "y1": y1, "y2": y2}, []


def _other_sizes(sets: Mapping[Any, Any], videos: Mapping[str, Path], found: Found) -> list[str]:
    """Say in which folders the first image is neither a crop nor a whole frame, where others are as their crops."""
    folders, fits, others = found.folders(), False, list[str]()
    for text, values in sets.items():
        rows, crop = folders.get(PureWindowsPath(text).stem), _crop_of(values)
        if not rows or crop is None or (size := _size(found.images[rows[0]])) is None:
            continue
        width, height = crop[1] - crop[0], crop[3] - crop[2]
        if size == (width, height):
            fits = True
        elif text not in videos or size != _frame_size(videos[text]):
            others.append(f"{rows[0]} has {size[0]} x {size[1]} pixels, but its video's crop {width} x {height}")
    told = (
        f"images are not as large as config.yaml says: {in_short(others, separator='; ')}. If they were scaled or "
        "cropped after they were labeled, their labels are in wrong places: put the images back, or label them again"
    )
    return [told] if fits and others else []


def _frames(sets: Mapping[str, Any], videos: Mapping[str, Path], found: Found) -> dict[str, FrameOf]:
    """Return which frames the images are: DeepLabCut names a folder as the video, an image by the frame's number."""
    frames, folders = dict[str, FrameOf](), found.folders()
    for text, video in videos.items():
        rows = folders.get(video.stem, [])
        whole, crop = _frame_size(video), _crop_of(sets[text])
        sizes = {_size(found.images[row]) for row in rows} - {None}
        if sizes == {whole}:
            frames |= frames_in(rows, video)
        elif crop is not None and sizes == {(crop[1] - crop[0], crop[3] - crop[2])}:
            frames |= frames_in(rows, video, crop)
    return frames


def _crop_of(values: Any) -> tuple[int, int, int, int] | None:
    """Read 'x1, x2, y1, y2'; None for anything else."""
    text = values.get("crop") if isinstance(values, dict) else None
    try:
        x1, x2, y1, y2 = (int(piece) for piece in str(text).split(","))
    except ValueError:
        return None
    return x1, x2, y1, y2


def _size(image: Path) -> tuple[int, int] | None:
    """Return width and height of an image, None where it cannot be read."""
    try:
        return image_size(image)
    except UsersError:
        return None


def _frame_size(video: Path) -> tuple[int, int] | None:
    """Return width and height of a video's frames, None where it cannot be read."""
    try:
        opened = Video(video)
    except UsersError:
        return None
    return opened.full_width, opened.full_height
