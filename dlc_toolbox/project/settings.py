"""Read and check the two settings files, `myconfig.py` and `myconfig_analysis.py`.

The files are plain assignments; they are parsed, never run. Names are those of DeepLabCut v1.
"""

from __future__ import annotations

import ast
import difflib
import logging
import re
import sys
import tokenize
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.metrics import AUTO, Cutoff
from dlc_toolbox.project.checks import iterations, odd, pairs, points_in_views, snapshot

log = logging.getLogger(__name__)

Check = Callable[[Any], Any]

_MOST_ENTRIES = 1000  # of a list; a mistyped range(...) must not take hours
_BACKSLASH = r"in Python a backslash starts an escape: write / or r'...'"
_UNWRITABLE = r"[\x00-\x1f\x7f\ud800-\udfff]"  # characters that no file name or log can hold


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text in quotes, on one line")
    if re.search(_UNWRITABLE, value):
        raise ValueError(f"a text that a file name can hold; {_BACKSLASH}")
    return value


def _path(value: Any) -> str:
    try:
        Path(_text(value)).expanduser()
    except RuntimeError:
        raise ValueError("a path; ~ must be followed by / or somebody's name") from None
    return value


def file_name(value: Any) -> str:
    """Return a name that may be part of a file name; raise ValueError with what is accepted."""
    if not isinstance(value, str) or not value.strip(". ") or re.search(rf'[\\/:*?"<>|]|{_UNWRITABLE}', value):
        raise ValueError('a text that can be part of a file name (without / \\ : * ? " < > |)')
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def _number(low: float, high: float = float("inf"), *, open_low: bool = False, open_high: bool = False) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            raise ValueError("a finite number")
        if not (low < value if open_low else low <= value) or not (value < high if open_high else value <= high):
            bounds = f"{'(' if open_low else '['}{low}, {high}{')' if open_high else ']'}"
            raise ValueError(f"a number in {bounds}")
        return value

    return check


def _cutoff(value: Any) -> Cutoff:
    if value == "auto":
        return AUTO
    try:
        return _number(0, 1)(value)
    except ValueError as error:
        raise ValueError(f"{error}, or 'auto': what the evaluation recommends for each body part") from None


def _whole(low: int, high: float = float("inf")) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(
                f"a whole number of at least {low}" if high == float("inf") else f"a whole number in [{low}, {high}]"
            )
        return value

    return check


def _one_of(*accepted: Any) -> Check:
    def check(value: Any) -> Any:
        if (type(value), value) not in [(type(choice), choice) for choice in accepted]:
            raise ValueError(f"one of {', '.join(map(repr, accepted))}")
        return value

    return check


def _list_of(item: Check) -> Check:
    def check(value: Any) -> tuple:
        if not isinstance(value, list | tuple | range) or not 0 < len(value) <= _MOST_ENTRIES:
            raise ValueError(f"a list with at least one entry and at most {_MOST_ENTRIES}, such as [...]")
        for position, entry in enumerate(value):
            try:
                item(entry)
            except ValueError as error:
                raise ValueError(f"a list whose every entry is {error} (entry {position + 1} is {entry!r})") from None
            if entry in value[:position]:
                raise ValueError(f"a list without repeated entries ({entry!r} appears twice)")
        return tuple(value)

    return check


def _text_or_texts(value: Any) -> tuple[str, ...]:
    return (_text(value),) if isinstance(value, str) else _list_of(_text)(value)


def _suffix(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\.?\w+", value):
        raise ValueError("a file suffix such as '.avi'")
    return value if value.startswith(".") else f".{value}"


def _colormap(value: Any) -> str:
    from matplotlib import colormaps

    known = ["parts", *colormaps]  # the palette of `pictures.palette`, which is of no lower level
    if not isinstance(value, str) or value not in known:
        near = difflib.get_close_matches(str(value), known, n=1)
        such = f" such as {near[0]!r}" if near and near[0] != "parts" else ""
        raise ValueError(f"'parts' or the name of a matplotlib colormap{such}")
    return value


def _speed(value: Any) -> float | None:
    try:
        return None if value is None else _number(0, 1, open_low=True)(value)
    except ValueError:
        raise ValueError("None, or a speed above 0 and at most 1, such as 0.1 for ten times as slow") from None


def _setting(check: Check, default: Any = MISSING) -> Any:
    return field(default=default, metadata={"check": check})


def _or_none(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


@dataclass(frozen=True, kw_only=True)
class _Crop:
    """The crop, x1 <= x < x2, y1 <= y < y2 in pixels, and which video (from 0) or channel (from 1) of several."""

    cropping: bool = _setting(_flag, False)
    x1: int = _setting(_whole(0), 0)
    x2: int = _setting(_whole(1), 640)
    y1: int = _setting(_whole(0), 0)
    y2: int = _setting(_whole(1), 480)
    videostream: int | None = _setting(_or_none(_whole(0)), None)
    channel: int | None = _setting(_or_none(_whole(1)), None)

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


@dataclass(frozen=True, kw_only=True)
class Settings(_Crop):
    """The checked content of `myconfig.py`: labels, training sets and their evaluation."""

    Task: str = _setting(file_name)
    vidpath: str = _setting(_path, ".")
    filename: tuple[str, ...] = _setting(_text_or_texts, ())
    portion: float = _setting(_number(0, 1, open_low=True), 1)
    numframes2pick: int = _setting(_whole(0), 10)
    seed: int = _setting(_whole(0), 42)
    framechoice: str = _setting(_one_of("kmeans", "random", "even"), "random")
    secondsapart: float = _setting(_number(0), 1)
    bodyparts: tuple[str, ...] = _setting(_list_of(file_name))
    Scorers: tuple[str, ...] = _setting(_list_of(file_name))
    multibodypartsfile: bool = _setting(_flag, False)
    multibodypartsfilename: str = _setting(file_name, "Results.csv")
    invisibleboundary: float = _setting(_number(0), 0)
    imagetype: str = _setting(_suffix, ".png")
    colormap: str = _setting(_colormap, "cool")
    scale: float = _setting(_number(0, open_low=True), 1)
    msize: float = _setting(_number(0, 1000, open_low=True), 10)
    alphavalue: float = _setting(_number(0, 1), 0.6)
    date: str = _setting(file_name)
    scorer: str = _setting(file_name)
    Shuffles: tuple[int, ...] = _setting(_list_of(_whole(0)), (1,))
    TrainingFraction: tuple[float, ...] = _setting(_list_of(_number(0, 1, open_low=True, open_high=True)), (0.95,))
    resnet: int = _setting(_one_of(50, 101, 152), 50)
    snapshotindex: int | str = _setting(snapshot("best", "all"), -1)
    shuffleindex: int = _setting(_whole(0), 0)
    pcutoff: float | tuple[float, ...] = _setting(_cutoff, 0.1)
    plotting: bool = _setting(_flag, True)
    views: tuple[tuple[str, ...], ...] = _setting(points_in_views, ())
    splitby: str = _setting(_one_of("image", "video"), "image")
    wantederror: float = _setting(_number(0, open_low=True), 5)

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
            found.append(f"views names {', '.join(strangers)}, which bodyparts does not")
        return found


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings(_Crop):
    """The checked content of `myconfig_analysis.py`: which network analyzes which videos, and their drawing."""

    videofolder: str = _setting(_path, "../videos/")
    videotype: str = _setting(_suffix, ".avi")
    scorer: str = _setting(file_name)
    Task: str = _setting(file_name)
    date: str = _setting(file_name)
    trainingsFraction: float = _setting(_number(0, 1, open_low=True, open_high=True), 0.95)
    resnet: int = _setting(_one_of(50, 101, 152), 50)
    snapshotindex: int | str = _setting(snapshot("best"), -1)
    shuffle: int = _setting(_whole(0), 1)
    trainingsiterations: int | None = _setting(iterations, None)
    engine: str = _setting(_one_of("auto", "keras", "openvino", "keras-bf16", "openvino-bf16", "openvino-int8"), "auto")
    movingwindow: bool = _setting(_flag, False)
    windowmargin: float = _setting(_number(0, open_low=True), 60)
    fps: float | None = _setting(_or_none(_number(0, open_low=True)), None)
    storedata_as_csv: bool = _setting(_flag, False)
    pcutoff: float | tuple[float, ...] = _setting(_cutoff, 0.1)
    deleteindividualframes: bool = _setting(_flag, False)
    alphavalue: float = _setting(_number(0, 1), 0.6)
    dotsize: float = _setting(_number(0, 200, open_low=True), 7)
    colormap: str = _setting(_colormap, "cool")
    skeleton: tuple[tuple[str, str], ...] = _setting(pairs, ())
    trailpoints: int = _setting(_whole(0), 0)
    drawfiltered: bool = _setting(_flag, False)
    slowmotion: float | None = _setting(_speed, None)
    windowlength: int = _setting(odd, 5)
    jumpthreshold: float = _setting(_number(0), 20)
    deviationthreshold: float = _setting(_number(0), 10)
    numoutlierframes: int = _setting(_whole(1), 20)


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
    assigned = _read_assignments(path)
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


def _unknown(name: str, line: int, known: dict) -> str:
    """Say that a name is not a setting and which one may be meant."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"line {line}: {name} is no setting" + (f"; did you mean {near[0]}?" if near else "")


def _read_assignments(path: Path) -> dict[str, tuple[Any, int]]:
    """Return {name: (value, line)} of a file of plain assignments, without running it."""
    try:
        tree = ast.parse(_read_text(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
        line = f" line {said.lineno}" if said.lineno else ""
        advice = f"; {_BACKSLASH}" if "\\" in (said.text or "") else ""
        raise ToolboxError(f"{path}{line} cannot be read as Python: {said.msg}{advice}") from None
    assigned: dict[str, tuple[Any, int]] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement):
            continue
        if not isinstance(statement, ast.Assign) or not (names := _names(statement)):
            raise ToolboxError(
                f"{path} line {statement.lineno}: only assignments such as `name = value` are read; "
                f"found `{ast.unparse(statement).splitlines()[0][:60]}`"
            )
        for name in names:
            if name in assigned:
                log.warning("%s line %d: %s is set again; this value counts", path, statement.lineno, name)
            assigned[name] = (_value(path, statement), statement.lineno)
    return assigned


def _read_text(path: Path) -> str:
    """Return the text of a settings file, in UTF-8 unless its first lines declare another encoding, as Python's may."""
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except FileNotFoundError:
        raise ToolboxError(f"{path} does not exist: copy it from the DeepLabCut checkout and edit it") from None
    except OSError as error:
        raise ToolboxError(f"{path} cannot be opened: {error.strerror}") from None
    except (SyntaxError, UnicodeDecodeError):
        raise _not_utf8(path) from None
    if "\0" in text:
        raise _not_utf8(path)
    return text


def _not_utf8(path: Path) -> ToolboxError:
    """Say that a file is in another encoding, or declares one that Python does not know, and where that shows."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    line = next((f" line {number}" for number, text in enumerate(lines, 1) if re.search("[\0\ufffd]", text)), "")
    return ToolboxError(f"{path}{line} is not in UTF-8: save it as UTF-8, without a `coding:` line")


def _is_text(statement: ast.stmt) -> bool:
    """Tell a docstring or a text that stands alone."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _names(statement: ast.Assign) -> list[str]:
    """Return the names that an assignment sets; none if it sets anything else."""
    names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return names if len(names) == len(statement.targets) else []


def _value(path: Path, statement: ast.Assign) -> Any:
    """Evaluate a plain value, or `range(...)`, which v1's comments suggest for Shuffles."""
    node = statement.value
    try:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "range"
            and not node.keywords
        ):
            return range(*(ast.literal_eval(argument) for argument in node.args))[: _MOST_ENTRIES + 1]
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise ToolboxError(
            f"{path} line {statement.lineno}: `{ast.unparse(statement)[:80]}` is no plain value "
            "(a number, a text in quotes, True, False, None or a list of these)"
        ) from None
