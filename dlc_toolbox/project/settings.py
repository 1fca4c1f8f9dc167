"""Read and check the two settings files, `myconfig.py` and `myconfig_analysis.py`.

The files are plain assignments; they are parsed, never run. Names are those of DeepLabCut v1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from dlc_common.spelling import did_you_mean
from dlc_toolbox import ToolboxError
from dlc_toolbox.project import cameras as several
from dlc_toolbox.project import checks
from dlc_toolbox.project.assignments import read_assignments


def _setting(check: checks.Check, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True, kw_only=True)
class _Crop:
    """The crop, x1 <= x < x2, y1 <= y < y2 in pixels, and which video (from 0) or channel (from 1) of several."""

    cropping: bool = _setting(checks.flag, False)
    x1: int = _setting(checks.whole(0), 0)
    x2: int = _setting(checks.whole(1), 640)
    y1: int = _setting(checks.whole(0), 0)
    y2: int = _setting(checks.whole(1), 480)
    videostream: int | None = _setting(checks.or_none(checks.whole(0)), None)
    channel: int | None = _setting(checks.or_none(checks.whole(1)), None)

    @property
    def crop(self) -> tuple[int, int, int, int] | None:
        """(x1, x2, y1, y2), or None when `cropping` is off."""
        return (self.x1, self.x2, self.y1, self.y2) if self.cropping else None

    def problems(self) -> list[str]:
        """List what is wrong between settings that are each fine."""
        if not self.cropping:
            return []
        pairs = (("x1", self.x1, "x2", self.x2), ("y1", self.y1, "y2", self.y2))
        return [f"{a} = {low} must be less than {b} = {high}" for a, low, b, high in pairs if low >= high]


def crop_in_words(crop: Sequence[int] | None) -> str:
    """Tell a crop as the settings do.

    >>> crop_in_words((0, 150, 0, 100)), crop_in_words(None)
    ('x1, x2, y1, y2 = 0, 150, 0, 100', 'cropping = False')
    """
    return f"x1, x2, y1, y2 = {', '.join(map(str, crop))}" if crop else "cropping = False"


@dataclass(frozen=True, kw_only=True)
class Settings(_Crop):
    """The checked content of `myconfig.py`: labels, training sets and their evaluation."""

    Task: str = _setting(checks.file_name)
    vidpath: str = _setting(checks.path, ".")
    filename: tuple[str, ...] = _setting(checks.text_or_texts, ())
    portion: float = _setting(checks.number(0, 1, open_low=True), 1)
    numframes2pick: int = _setting(checks.whole(0), 10)
    seed: int = _setting(checks.whole(0), 42)
    framechoice: str = _setting(checks.one_of("kmeans", "random", "even"), "random")
    secondsapart: float = _setting(checks.number(0), 1)
    bodyparts: tuple[str, ...] = _setting(checks.list_of(checks.file_name))
    Scorers: tuple[str, ...] = _setting(checks.list_of(checks.file_name))
    multibodypartsfile: bool = _setting(checks.flag, False)
    multibodypartsfilename: str = _setting(checks.file_name, "Results.csv")
    invisibleboundary: float = _setting(checks.number(-1), 0)
    imagetype: str = _setting(checks.suffix, ".png")
    colormap: str = _setting(checks.colormap, "cool")
    scale: float = _setting(checks.number(0, open_low=True), 1)
    msize: float = _setting(checks.number(0, 1000, open_low=True), 10)
    alphavalue: float = _setting(checks.number(0, 1), 0.6)
    date: str = _setting(checks.file_name)
    scorer: str = _setting(checks.file_name)
    Shuffles: tuple[int, ...] = _setting(checks.list_of(checks.whole(0)), (1,))
    TrainingFraction: tuple[float, ...] = _setting(
        checks.list_of(checks.number(0, 1, open_low=True, open_high=True)), (0.95,)
    )
    resnet: int = _setting(checks.one_of(50, 101, 152), 50)
    snapshotindex: int | str = _setting(checks.snapshot("best", "all"), -1)
    shuffleindex: int = _setting(checks.whole(0), 0)
    pcutoff: float | tuple[float, ...] = _setting(checks.cutoff, 0.1)
    plotting: bool = _setting(checks.flag, True)
    views: tuple[tuple[str, ...], ...] = _setting(checks.points_in_views, ())
    splitby: str = _setting(checks.one_of("image", "video"), "image")
    wantederror: float = _setting(checks.number(0, open_low=True), 5)

    @property
    def hidden_below(self) -> float:
        """Clicks with x and y below this, in pixels, mean 'not visible'; -inf where none does."""
        return self.invisibleboundary if self.invisibleboundary > 0 else -math.inf

    def problems(self) -> list[str]:
        """List what is wrong between settings that are each fine."""
        found = super().problems()
        if self.scorer not in self.Scorers:
            found.append(f"scorer = {self.scorer!r} is not one of Scorers = {list(self.Scorers)}")
        last = len(self.Shuffles) - 1
        if self.shuffleindex > last:
            found.append(f"shuffleindex = {self.shuffleindex}, but Shuffles has positions 0 to {last}")
        strangers = [name for point in self.views for name in point if name not in self.bodyparts]
        if strangers:
            found.append(
                f"views names {', '.join(strangers)}, which bodyparts does not: write the names of your body parts, or "
                "`views = []`"
            )
        if len(self.bodyparts) == 1 and ", " in self.bodyparts[0]:
            found.append(f"bodyparts is one name, {self.bodyparts[0]!r}: put each body part in quotes of its own")
        return found


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings(_Crop):
    """The checked content of `myconfig_analysis.py`: which network analyzes which videos, and their drawing."""

    videofolder: str = _setting(checks.path, "../videos/")
    videotype: str = _setting(checks.suffix, ".avi")
    scorer: str = _setting(checks.file_name)
    Task: str = _setting(checks.file_name)
    date: str = _setting(checks.file_name)
    trainingsFraction: float = _setting(checks.number(0, 1, open_low=True, open_high=True), 0.95)
    resnet: int = _setting(checks.one_of(50, 101, 152), 50)
    snapshotindex: int | str = _setting(checks.snapshot("best"), -1)
    shuffle: int = _setting(checks.whole(0), 1)
    trainingsiterations: int | None = _setting(checks.iterations, None)
    engine: str = _setting(
        checks.one_of("auto", "fast", "keras", "openvino", "keras-bf16", "openvino-bf16", "openvino-int8"), "auto"
    )
    analysisscale: float | str = _setting(checks.scale, 1)
    movingwindow: bool = _setting(checks.flag, False)
    windowmargin: float = _setting(checks.number(0, open_low=True), 60)
    fps: float | None = _setting(checks.or_none(checks.number(0, open_low=True)), None)
    storedata_as_csv: bool = _setting(checks.flag, False)
    pcutoff: float | tuple[float, ...] = _setting(checks.cutoff, 0.1)
    deleteindividualframes: bool = _setting(checks.flag, False)
    alphavalue: float = _setting(checks.number(0, 1), 0.6)
    dotsize: float = _setting(checks.number(0, 200, open_low=True), 7)
    colormap: str = _setting(checks.colormap, "cool")
    skeleton: tuple[tuple[str, str], ...] = _setting(checks.pairs, ())
    trailpoints: int = _setting(checks.whole(0), 0)
    drawfiltered: bool = _setting(checks.flag, False)
    drawradius: bool = _setting(checks.flag, False)
    slowmotion: float | None = _setting(checks.speed, None)
    windowlength: int = _setting(checks.odd, 5)
    jumpthreshold: float = _setting(checks.number(0), 20)
    deviationthreshold: float = _setting(checks.number(0), 10)
    numoutlierframes: int = _setting(checks.whole(1), 20)
    cameras: tuple[several.View, ...] = _setting(several.views, ())
    cameraoffsets: tuple[tuple[str, int], ...] = _setting(several.offsets, ())
    commontrigger: bool = _setting(checks.flag, False)
    calibrationfolder: str = _setting(checks.path, "../videos/calibration/")
    calibrationboard: several.Board | None = _setting(several.board, None)  # noqa: RUF009

    def problems(self) -> list[str]:
        """List what is wrong between settings that are each fine."""
        found = super().problems()
        known = [view.name for view in self.cameras]
        strangers = [name for name, _ in self.cameraoffsets if name not in known]
        if strangers:
            found.append(f"cameraoffsets names {', '.join(strangers)}, which cameras does not")
        if self.engine == "fast" and self.analysisscale != 1:
            found.append(
                f"engine = 'fast' chooses the scale itself: leave out analysisscale = {self.analysisscale!r}, or name "
                "another engine"
            )
        return found


Kind = TypeVar("Kind", Settings, AnalysisSettings)


def load_settings(root: Path) -> Settings:
    """Read and check `myconfig.py`.

    Parameters
    ----------
    root : Path
        Folder that holds the file.

    Returns
    -------
    Settings
        Checked values; settings that are not named have their defaults.

    Raises
    ------
    ToolboxError
        One message with every problem: unknown names (with the nearest known one), missing names, wrong types,
        values out of range, settings that contradict each other.
    """
    return _load(root / "myconfig.py", Settings)


def load_analysis_settings(root: Path) -> AnalysisSettings:
    """Read and check `myconfig_analysis.py`; as `load_settings`."""
    return _load(root / "myconfig_analysis.py", AnalysisSettings)


def _load(path: Path, kind: type[Kind]) -> Kind:
    """Parse one settings file and check everything in it before any work."""
    assigned = read_assignments(path)
    known = {setting.name: setting for setting in fields(kind)}
    problems = [_unknown(name, line, known) for name, (_, line) in assigned.items() if name not in known]
    values = {}
    for name, setting in known.items():
        if name in assigned:
            value, line = assigned[name]
            try:
                values[name] = setting.metadata["check"](value)
            except ValueError as error:
                problems.append(f"line {line}: {name} = {value!r}, but it must be {error}")
        elif setting.default is MISSING:
            problems.append(f"{name} is not set")
    if not problems:
        settings = kind(**values)
        problems = settings.problems()
    if problems:
        raise ToolboxError(f"{path}: " + "; ".join(problems))
    return settings


_OF_V1 = {
    "videopath": "write vidpath, relative to Generating_a_Training_Set",
    "videotype": "delete it: filename names each video with its ending",
    "selectionalgorithm": "write framechoice: 'kmeans', 'random' (v1's 'uniform') or 'even'",
    "start": "delete it: frames are picked from the beginning of each video on",
    "stop": "write portion, the share of each video to pick from, counted from its beginning",
    "checkcropping": "delete it: Step 1 draws a preview of the crop by itself",
}
"""What to do about settings of later files of DeepLabCut v1."""


def _unknown(name: str, line: int, known: dict) -> str:
    """Say that a name is not a setting and what to write instead, or which one may be meant."""
    advice = f"; {_OF_V1[name]}" if name in _OF_V1 else did_you_mean(name, known)
    return f"line {line}: {name} is no setting{advice}"
