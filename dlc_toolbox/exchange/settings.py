"""Settings and splits that come with labels from elsewhere; what a person changed here stays."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dlc_common.files import replacing
from dlc_common.fingerprints import fingerprint
from dlc_toolbox import ToolboxError
from dlc_toolbox.project.rewriting import plain, rewrite_settings, rewritten, would_change, written

log = logging.getLogger(__name__)

_CROP = ("cropping", "x1", "x2", "y1", "y2")
RECORD = "imported_settings.json"
"""In the data folder: the settings as they came, by file, and the hashes of the splits."""


def settings_to_take(
    root: Path, data_folder: Path, settings: Mapping[str, Mapping[str, Any]], *, is_fresh: bool
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Tell which settings of another program's project change files here.

    Those of a project without images are all taken. Later only those are that are here as they came, and have changed
    there since.

    Parameters
    ----------
    root : Path
        The project.
    data_folder : Path
        Holds the record of what came before.
    settings : mapping of str to mapping
        By file what the other program says.
    is_fresh : bool
        Whether the project had no images before this import.

    Returns
    -------
    take : dict of str to dict
        By file the settings that change. Those that would not pass their checks are passed over, with a warning.
    kept : list of str
        In words, those that are different here and stay.
    """
    before = _read(data_folder)[0]
    take, kept = dict[str, dict[str, Any]](), list[str]()
    for name, values in settings.items():
        if not (root / name).is_file():
            kept.append(f"{', '.join(values)}, because {root / name} does not exist")
            continue
        came = before.get(name, {})
        for setting, (now, new) in would_change(root / name, values).items():
            if is_fresh or (setting in came and plain(now) == plain(came[setting])):
                take.setdefault(name, {})[setting] = new
            else:
                kept.append(f"{setting} = {written(now)} in {name}, {written(new)} there")
    passing = {name: _passing(root / name, values) for name, values in take.items()}
    return {name: values for name, values in passing.items() if values}, kept


def _passing(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings of a file that pass their checks, the crop as a whole; a warning tells the others."""
    crop = {name: value for name, value in values.items() if name in _CROP}
    groups = [crop, *({name: value} for name, value in values.items() if name not in _CROP)]
    passing = dict[str, Any]()
    for group in filter(None, groups):
        try:
            rewritten(path, passing | group)
        except ToolboxError as error:
            log.warning("%s is not taken over, because %s", ", ".join(group), error)
        else:
            passing |= group
    return passing


def take_settings(
    root: Path, data_folder: Path, settings: Mapping[str, Mapping[str, Any]], take: Mapping[str, Mapping[str, Any]]
) -> None:
    """Change the settings files; each change is logged, and the old file stays beside.

    Parameters
    ----------
    root, data_folder, settings
        As for `settings_to_take`.
    take : mapping of str to mapping
        As `settings_to_take` returns it.
    """
    for name, values in take.items():
        old, changes = rewrite_settings(root / name, values)
        for setting, (now, new) in changes.items():
            log.info("%s: %s is %s now, and was %s", name, setting, written(new), written(now))
        if changes:
            log.info("%s as it was is %s", root / name, old.name)
    before, splits = _read(data_folder)
    merged = {name: {**before.get(name, {}), **settings.get(name, {})} for name in {**before, **settings}}
    _write(data_folder, merged, splits)


def write_splits(
    data_folder: Path, splits: Mapping[str, Mapping[str, Sequence[str]]], *, dry_run: bool = False
) -> list[Path]:
    """Write splits as files for ``--split`` of Step 4; one that a person changed here stays, and is named.

    Parameters
    ----------
    data_folder : Path
        Where they go, as ``split-<name>.json``.
    splits : mapping of str to mapping
        By name the rows `train` and `test`.
    dry_run : bool
        Only tell.

    Returns
    -------
    list of Path
        The files.
    """
    settings, hashes = _read(data_folder)
    paths = []
    for name, split in splits.items():
        path = split_file(data_folder, name)
        text = json.dumps({side: list(split[side]) for side in ("train", "test")}, indent=1, ensure_ascii=False) + "\n"
        is_ours = not path.exists() or fingerprint(path) == hashes.get(name)
        if not is_ours and path.read_bytes() != text.encode():
            log.warning("%s was changed here and stays, though the split is another one there", path)
            continue
        paths.append(path)
        if not dry_run:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
            hashes[name] = fingerprint(path)
    if splits and not dry_run:
        _write(data_folder, settings, hashes)
    return paths


def split_file(data_folder: Path, name: str) -> Path:
    """Return the file of a split, for ``--split`` of Step 4."""
    return data_folder / f"split-{name}.json"


def _read(data_folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return settings and hashes of splits as they came before; none where nobody knows."""
    try:
        content = json.loads((data_folder / RECORD).read_text(encoding="utf-8"))
        settings = {str(name): dict(values) for name, values in content["settings"].items()}
        return settings, {str(name): str(value) for name, value in content["splits"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, {}


def _write(data_folder: Path, settings: Mapping[str, Mapping[str, Any]], splits: Mapping[str, str]) -> None:
    """Write down what came."""
    with replacing(data_folder / RECORD) as temporary:
        content = {"settings": settings, "splits": splits}
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
