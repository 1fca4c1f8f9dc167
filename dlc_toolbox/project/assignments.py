"""Read a file of plain assignments without running it."""

from __future__ import annotations

import ast
import io
import logging
import re
import tokenize
from pathlib import Path
from typing import Any

from dlc_common.kinds import EMPTY, wrong_kind
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.checks import BACKSLASH, MOST_ENTRIES

log = logging.getLogger(__name__)

_BARE = re.compile(r"""(\w+)\s*=\s*([^='"#()\[\]{}]*[^='"#()\[\]{}\s])\s*(#.*)?""")
"""A name, and what may be a text without its quotes."""


def read_assignments(path: Path) -> dict[str, tuple[Any, int]]:
    """Return {name: (value, line)} of a file of plain assignments, without running it."""
    text = _read_text(path)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
        line = f" line {said.lineno}" if said.lineno else ""
        raise ToolboxError(f"{path}{line} cannot be read as Python: {said.msg}{_advice(said)}") from None
    _refuse_missing_commas(path, text, tree)
    _refuse_names_twice(path, tree)
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


def _advice(error: SyntaxError) -> str:
    """Say what is to be done about a line that is no Python, where that is known."""
    if isinstance(error, IndentationError):
        return "; a line that begins with a name begins at the left edge, without spaces or tabs"
    if "invalid character" in error.msg or "non-printable" in error.msg:
        return "; Word puts such characters there: type the line anew in a program for plain text, with ' around texts"
    line = (error.text or "").strip()
    if "\\" in line:
        return f"; {BACKSLASH}"
    if bare := _BARE.fullmatch(line):
        return f"; if {bare[2]} is a text, put it in quotes: {bare[1]} = '{bare[2]}'"
    return ""


def _refuse_missing_commas(path: Path, text: str, tree: ast.Module) -> None:
    """Raise where two texts of a list stand side by side, which Python takes for one."""
    lists = [node for node in ast.walk(tree) if isinstance(node, ast.List | ast.Tuple | ast.Set)]
    entries = [entry for node in lists for entry in node.elts if isinstance(entry, ast.Constant)]
    for entry in entries:
        source = ast.get_source_segment(text, entry) or ""
        tokens = tokenize.generate_tokens(io.StringIO(f"({source})").readline)
        texts = [token.string for token in tokens if token.type == tokenize.STRING]
        if len(texts) > 1:
            raise ToolboxError(f"{path} line {entry.lineno}: put a comma between {texts[0]} and {texts[1]}")


def _refuse_names_twice(path: Path, tree: ast.Module) -> None:
    """Raise where a name stands twice in braces, of which Python takes the last without a word."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
        names = [ast.unparse(key) for key in node.keys if key is not None]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ToolboxError(f"{path} line {node.lineno}: {twice} stands twice in {{...}}: give each its own name")


def _read_text(path: Path) -> str:
    """Return the text of a settings file, in UTF-8 unless its first lines declare another encoding, as Python's may."""
    if other := wrong_kind(path, "a settings file", EMPTY):
        raise ToolboxError(other)
    try:
        with tokenize.open(path) as file:
            text = file.read()
    except FileNotFoundError:
        hidden = path.with_name(f"{path.name}.txt")  # Windows adds it, and does not show it
        copy = f"copy {path.name} from the DeepLabCut checkout and edit it"
        advice = f"rename {hidden.name} to it" if hidden.is_file() else copy
        if not path.parent.is_dir():
            advice = f"there is no folder {path.parent}; correct --project, or make the folder, then {copy}"
        raise ToolboxError(f"{path} does not exist: {advice}") from None
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
            return range(*(ast.literal_eval(argument) for argument in node.args))[: MOST_ENTRIES + 1]
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise ToolboxError(
            f"{path} line {statement.lineno}: `{ast.unparse(statement)[:80]}` is no plain value "
            "(a number, a text in quotes, True, False, None or a list of these)"
        ) from None
