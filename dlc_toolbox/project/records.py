"""What an output was made from: the one rule for 'already done'.

Beside an output (or a set of outputs) stands a json file that records the hashes of its inputs and the settings that
shaped it. While they match, the output is current and a script skips it; otherwise it is made again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dlc_common import UsersError
from dlc_common.files import fingerprint, replacing
from dlc_common.versions import versions
from dlc_toolbox import ToolboxError


def describe(inputs: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Gather what an output is made from, ready to compare and to write.

    Parameters
    ----------
    inputs : mapping of str to Path
        Every file the output depends on, by a name that stays when the project moves.
    settings : mapping
        Every setting the output depends on; plain values that json can hold.

    Returns
    -------
    dict
        ``{"inputs": {name: hash}, "settings": {...}}``.
    """
    hashes = {name: fingerprint(path) for name, path in inputs.items()}
    return {"inputs": hashes, "settings": json.loads(json.dumps(dict(settings)))}


def why_stale(record: Path, made_from: Mapping[str, Any], outputs: Iterable[Path]) -> str | None:
    """Tell why outputs must be made (again), or None while they are current.

    Parameters
    ----------
    record : Path
        The json file written by `write`.
    made_from : mapping
        What the outputs would be made from now, as `describe` returns it.
    outputs : iterable of Path
        The files that must exist.

    Returns
    -------
    str or None
        A reason fit for a log line, or None: everything is current.
    """
    missing = [path.name for path in outputs if not path.exists()]
    if missing:
        return f"{missing[0]} does not exist yet" if len(missing) == 1 else f"{len(missing)} files do not exist yet"
    try:
        recorded = read(record)
    except UsersError:
        return f"{record.name} does not tell what it was made from"
    changed = []
    for part in ("settings", "inputs"):  # settings first, since they choose the inputs
        old, new = recorded.get(part, {}), made_from[part]
        changed += sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    return f"changed since: {', '.join(changed[:5])}" + (" ..." if len(changed) > 5 else "") if changed else None


def read(record: Path) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    ToolboxError
        When the file is missing or holds no json object of inputs and settings.
    """
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ToolboxError(f"{record} cannot be read as a record of what was made: {error}") from error
    if not isinstance(content, dict):
        raise ToolboxError(f"{record} holds a {type(content).__name__}, not a record of what was made")
    for part in ("inputs", "settings"):
        if not isinstance(content.get(part, {}), dict):
            raise ToolboxError(f"{record} is no record of what was made: its {part} are no names and values")
    return content


def write(record: Path, made_from: Mapping[str, Any], **extra: Any) -> None:
    """Write a record, with the versions in use and any `extra` facts, after its outputs are complete."""
    content = {**made_from, **extra, "versions": versions()}
    with replacing(record) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
