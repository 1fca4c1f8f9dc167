"""Settings changed in their file: the value alone; comments, order and all other lines stay as a person wrote them."""

from __future__ import annotations

import ast
import io
import re
import shutil
import tempfile
import tokenize
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlc_common.files import replacing
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.assignments import read_assignments
from dlc_toolbox.project.settings import load_analysis_settings, load_settings

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")  # as Python counts lines
_WIDTH = 110
_LOADERS: dict[str, Callable[[Path], object]] = {
    "myconfig.py": load_settings,
    "myconfig_analysis.py": load_analysis_settings,
}


def with_assignments(text: str, values: Mapping[str, Any]) -> str:
    r"""Set names in a text of assignments.

    Parameters
    ----------
    text : str
        Python of plain assignments.
    values : mapping
        New value of each name, of numbers, texts, truth values, None and lists of these; a name that the text lacks is
        added at the end. Where a name is set twice, the last one counts, and changes.

    Returns
    -------
    str
        The new text.

    Raises
    ------
    SyntaxError
        When it is no Python.

    Examples
    --------
    >>> text = "pcutoff = 0.1  # likelihood\nx1 = 0\n"
    >>> print(with_assignments(text, {"pcutoff": 0.6, "x2": 9}), end="")
    pcutoff = 0.6  # likelihood
    x1 = 0
    x2 = 9
    """
    found = {
        target.id: statement
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    lines = _LINE.findall(text)
    changed = {found[name] for name in values if name in found}
    for statement in sorted(changed, key=lambda each: (each.lineno, each.col_offset), reverse=True):
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        alone = len(statement.targets) == 1
        replaced = statement.value if alone else statement
        first, last = replaced.lineno - 1, (replaced.end_lineno or replaced.lineno) - 1
        before = lines[first].encode()[: replaced.col_offset].decode()
        behind = lines[last].encode()[replaced.end_col_offset :].decode()
        old = ast.unparse(statement.value)
        new = {name: written(values[name], len(before)) if name in values else old for name in names}
        texts = [value if alone else f"{name} = {value}" for name, value in new.items()]
        lines[first : last + 1] = [before + "; ".join(texts) + behind]
    end = next((line[len(line.rstrip("\r\n")) :] for line in lines if line.endswith(("\r", "\n"))), "\n")
    added = [f"{name} = {written(value, len(name) + 3)}{end}" for name, value in values.items() if name not in found]
    if added and lines and not lines[-1].endswith(("\r", "\n")):
        lines[-1] += end
    return "".join([*lines, *added])


def written(value: Any, indent: int = 0) -> str:
    """Return a value as Python, a long list on several lines.

    Parameters
    ----------
    value : object
        See `with_assignments`.
    indent : int
        Characters that stand before it.

    Examples
    --------
    >>> written((1, "a")), written([["nose", "paw"]])
    ("[1, 'a']", "[['nose', 'paw']]")
    """
    if not isinstance(value, list | tuple):
        return repr(value)
    pieces, lines = [written(item) for item in value], [""]
    for place, piece in enumerate(pieces):
        piece += "," if place < len(pieces) - 1 else ""
        if lines[-1] and indent + len(lines[-1]) + len(piece) > _WIDTH:
            lines.append("")
        lines[-1] += f" {piece}" if lines[-1] else piece
    return "[" + ("\n" + " " * (indent + 1)).join(lines) + "]"


def rewrite_settings(path: Path, values: Mapping[str, Any]) -> tuple[Path, dict[str, tuple[Any, Any]]]:
    """Change settings in their file; the old file is kept beside it.

    Parameters
    ----------
    path : Path
        `myconfig.py` or `myconfig_analysis.py`.
    values : mapping
        New value of each setting.

    Returns
    -------
    Path
        Copy of the old file; `path` where nothing changed.
    dict of str to (object, object)
        By setting that changed, old and new value; None for one that was not set.

    Raises
    ------
    ToolboxError
        When the file could not be read with these values; it stays as it is.
    """
    changes = would_change(path, values)
    if not changes:
        return path, {}
    data = rewritten(path, values)
    old = _free(path)
    shutil.copyfile(path, old)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return old, changes


def rewritten(path: Path, values: Mapping[str, Any]) -> bytes:
    """Return what `rewrite_settings` would write; raises as that does."""
    data = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    new = {name: new for name, (_, new) in would_change(path, values).items()}
    text = with_assignments(data.decode(encoding), new).encode(encoding)
    _refuse_wrong(path, text)
    return text


def would_change(path: Path, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the settings that have other values now, with these and the new ones."""
    now = {name: value for name, (value, _) in read_assignments(path).items()}
    return {
        name: (now.get(name), new) for name, new in values.items() if name not in now or plain(now[name]) != plain(new)
    }


def plain(value: Any) -> Any:
    """Return a value with lists in place of tuples and ranges, so that it can be compared with one of json."""
    return [plain(item) for item in value] if isinstance(value, list | tuple | range) else value


def _refuse_wrong(path: Path, data: bytes) -> None:
    """Raise ToolboxError when settings would not pass their checks."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path.name).write_bytes(data)
        try:
            _LOADERS[path.name](Path(folder))
        except ToolboxError as error:
            reason = str(error).replace(f"{Path(folder) / path.name}: ", "")
            raise ToolboxError(f"the settings in {path} would be wrong: {reason}") from None


def _free(path: Path) -> Path:
    """Return a name beside a file for its old content."""
    names = [
        path.with_name(f"{path.name}.before-import"),
        *(path.with_name(f"{path.name}.before-import-{n}") for n in range(2, 1000)),
    ]
    return next(name for name in names if not name.exists())
