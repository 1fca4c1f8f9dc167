"""Labels for elsewhere: projects of DeepLabCut 2 and 3, tables of lightning-pose."""

from __future__ import annotations

import itertools
import logging
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from dlc_common.files import replacing_folder
from dlc_common.images import image_size
from dlc_toolbox import ToolboxError
from dlc_toolbox.exchange.labelset import Labels
from dlc_toolbox.frames.recorded import read_frames
from dlc_toolbox.pictures.pictures import folder_and_image
from dlc_toolbox.project.layout import Layout, video_stem
from dlc_toolbox.project.settings import AnalysisSettings, Settings
from dlc_toolbox.project.tables import bodyparts_of, scorer_of, write_deeplabcut_table

log = logging.getLogger(__name__)

_DEEPLABCUT_HEAD = (
    "# Written by dlc_toolbox. Where a video of video_sets moves, correct its path; the names must stay.\n"
)
_DEEPLABCUT_DEFAULTS = {
    "start": 0,
    "stop": 1,
    "numframes2pick": 20,
    "skeleton": [],
    "skeleton_color": "black",
    "pcutoff": 0.6,
    "dotsize": 12,
    "alphavalue": 0.7,
    "colormap": "rainbow",
    "TrainingFraction": [0.95],
    "iteration": 0,
    "default_net_type": "resnet_50",
    "default_augmenter": "default",
    "snapshotindex": -1,
    "batch_size": 8,
    "cropping": False,
    "x1": 0,
    "x2": 640,
    "y1": 0,
    "y2": 480,
    "corner2move2": [50, 50],
    "move2corner": True,
}


@dataclass(frozen=True)
class Origin:
    """Where the images of a folder are from.

    Parameters
    ----------
    video : Path
        The video, as a path that may be gone.
    crop : (x1, x2, y1, y2) or None
        What of its frames the images show; None: all.
    """

    video: Path
    crop: Sequence[int] | None = None


class _Images(NamedTuple):
    """The images of one video: its crop, and their names in the video's one folder by the rows of the table."""

    crop: Sequence[int] | None
    names: dict[str, str]


def origins_of(layout: Layout, settings: Settings, folders: Iterable[str]) -> dict[str, Origin]:
    """Find the videos that the images of a project are from.

    Parameters
    ----------
    layout : Layout
        The project.
    settings : Settings
        Task, vidpath, filename and the crop.
    folders : iterable of str
        Names of folders in the data folder.

    Returns
    -------
    dict of str to Origin
        By folder; those whose video nothing tells are not in it. A video that is neither where it was nor in `vidpath`
        has the path where it was.
    """
    home = (layout.training_set_root / Path(settings.vidpath).expanduser()).resolve()
    named = {video_stem(Path(name)): home / name for name in settings.filename}
    found = {}
    for folder in folders:
        told = _recorded(layout.data_folder(settings.Task) / folder)
        if told:
            near = home / told.video.name
            found[folder] = Origin(near if near.is_file() and not told.video.is_file() else told.video, told.crop)
        elif folder in named:
            found[folder] = Origin(named[folder], settings.crop)
    return found


def _recorded(folder: Path) -> Origin | None:
    """Return what Step 1, or the labeling page, wrote down about a folder of images."""
    record = read_frames(folder)
    video, crop = record.get("video"), record.get("settings", {}).get("crop")
    return Origin(Path(video), crop) if isinstance(video, str) else None


def deeplabcut_config(settings: Settings, analysis: AnalysisSettings | None) -> dict[str, Any]:
    """Return what of our settings a config.yaml of DeepLabCut says too.

    Parameters
    ----------
    settings : Settings
        TrainingFraction, resnet, numframes2pick, pcutoff and the crop.
    analysis : AnalysisSettings, optional
        The skeleton; pairs with parts that are none of `bodyparts` are left out, and told.

    Returns
    -------
    dict
        Values of config.yaml.
    """
    pairs = [list(pair) for pair in analysis.skeleton] if analysis else []
    known = [pair for pair in pairs if set(pair) <= set(settings.bodyparts)]
    if len(known) < len(pairs):
        strangers = sorted({part for pair in pairs for part in pair} - set(settings.bodyparts))
        log.warning("the skeleton goes without its lines to %s, which bodyparts does not name", ", ".join(strangers))
    found: dict[str, Any] = {
        "numframes2pick": settings.numframes2pick or _DEEPLABCUT_DEFAULTS["numframes2pick"],
        "skeleton": known,
        "TrainingFraction": list(settings.TrainingFraction),
        "default_net_type": f"resnet_{settings.resnet}",
        "cropping": settings.cropping,
        **{name: getattr(settings, name) for name in ("x1", "x2", "y1", "y2")},
    }
    return found | ({"pcutoff": settings.pcutoff} if isinstance(settings.pcutoff, int | float) else {})


def export_deeplabcut(
    labels: Labels,
    target: Path,
    task: str,
    date: str,
    *,
    config: Mapping[str, Any] | None = None,
    origins: Mapping[str, Origin] | None = None,
) -> list[Path]:
    """Write labels as a new project that DeepLabCut 2 and 3 open.

    DeepLabCut knows one folder of images a video, named as the video. So the folders of one video become one.

    Parameters
    ----------
    labels : Labels
        As `labelset.read_own_labels` returns them.
    target : Path
        Folder to make.
    task, date : str
        Names for its config.yaml.
    config : mapping, optional
        What else its config.yaml says, in the place of DeepLabCut's defaults.
    origins : mapping of str to Origin, optional
        The video of each folder, where that is known.

    Returns
    -------
    list of Path
        The videos that video_sets names and that are not there; of an unknown one the path is made up of its folder.

    Raises
    ------
    ToolboxError
        When the folder exists, or the system refuses to write.
    """
    scorer = scorer_of(labels.table)
    videos = {}
    with _new_folder(target) as project:
        (project / "videos").mkdir()
        for video, (crop, names) in _by_video(labels, target.resolve() / "videos", origins or {}).items():
            folder = project / "labeled-data" / video.stem
            _copy_images(labels, names, folder)
            table = labels.table.loc[list(names)].set_axis([f"{video.stem}/{name}" for name in names.values()])
            write_deeplabcut_table(table, folder / f"CollectedData_{scorer}.h5")
            width, height = image_size(labels.images[next(iter(names))])
            videos[str(video)] = {"crop": ", ".join(map(str, crop or (0, width, 0, height)))}
        content = {
            "Task": task,
            "scorer": scorer,
            "date": date,
            "multianimalproject": False,
            "identity": None,
            "project_path": str(target.resolve()),
            "video_sets": videos,
            "bodyparts": bodyparts_of(labels.table),
            **_DEEPLABCUT_DEFAULTS,
            **(config or {}),
        }
        text = _DEEPLABCUT_HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (project / "config.yaml").write_text(text, encoding="utf-8")
    return [Path(video) for video in videos if not Path(video).is_file()]


def _by_video(labels: Labels, home: Path, origins: Mapping[str, Origin]) -> dict[Path, _Images]:
    """Gather the images of each video, which get names of their own where two folders name them alike."""
    found: dict[Path, _Images] = {}
    for folder, rows in labels.folders().items():
        origin = origins.get(folder)
        video = next(
            path
            for path in _paths(folder, origin, home)
            if path in found or path.stem not in {other.stem for other in found}
        )
        images = found.setdefault(video, _Images(origin.crop if origin else None, {})).names
        for row in rows:
            name = Path(folder_and_image(row)[1])
            images[row] = name.name if name.name not in images.values() else f"{name.stem}_{folder}{name.suffix}"
    return found


def _paths(folder: str, origin: Origin | None, home: Path) -> Iterator[Path]:
    """Yield what the video of a folder of images may be called, the best first; a recording must be one file."""
    if origin and not origin.video.is_dir():
        yield origin.video if origin.video.is_file() else home / origin.video.name
    yield home / f"{folder}.avi"
    yield from (home / f"{folder}_{number}.avi" for number in itertools.count(2))


def export_lightning_pose(labels: Labels, target: Path) -> None:
    """Write labels as lightning-pose wants them: CollectedData.csv and labeled-data/.

    Parameters
    ----------
    labels, target
        As for `export_deeplabcut`; raises as that does.
    """
    with _new_folder(target) as folder:
        for name, rows in labels.folders().items():
            _copy_images(labels, {row: folder_and_image(row)[1] for row in rows}, folder / "labeled-data" / name)
        table = labels.table.set_axis([f"labeled-data/{row}" for row in labels.table.index])
        table.to_csv(folder / "CollectedData.csv", na_rep="NaN")


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder that becomes `target`, which must not hold anything yet, nor be where the user's shell is."""
    if target.exists() and (not target.is_dir() or any(target.iterdir()) or target.samefile(Path.cwd())):
        raise ToolboxError(f"{target} exists already and is never overwritten: name a new folder")
    with replacing_folder(target) as temporary:
        yield temporary


def _copy_images(labels: Labels, names: Mapping[str, str], folder: Path) -> None:
    """Copy the images of some rows into a new folder, under these names."""
    folder.mkdir(parents=True)
    for row, name in names.items():
        shutil.copyfile(labels.images[row], folder / name)
