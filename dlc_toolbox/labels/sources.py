"""Which csv files hold the clicks of a scorer: one for each body part, or one for all, in every folder of images."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dlc_common.accents import as_spelled, composed
from dlc_common.culprits import in_short
from dlc_common.images import images_in, refuse_undecodable
from dlc_common.kinds import wrong_kind
from dlc_common.spelling import did_you_mean
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.slices import slices_of
from dlc_toolbox.project.layout import Layout, first_step_advice, image_folders
from dlc_toolbox.project.settings import Settings

log = logging.getLogger(__name__)


_ENDINGS = {".csv", ".ods", ".tsv", ".txt", ".xls", ".xlsx"}


class NoLabelsError(ToolboxError):
    """Nobody has labeled anything yet."""


def find_label_files(layout: Layout, settings: Settings, scorer: str) -> dict[Path, list[Path]]:
    """Find the csv files of one scorer, beside the images or, with several scorers, in a folder of the scorer's own.

    Returns
    -------
    dict of Path to list of Path
        For each labeled folder its csv files: one per body part, or the one for all.

    Raises
    ------
    NoLabelsError
        When no folder has any.
    ToolboxError
        When a folder has the files of some body parts but not of others.
    """
    data_folder = layout.data_folder(settings.Task)
    if not data_folder.is_dir():
        raise ToolboxError(layout.no_data(settings.Task))
    names = label_file_names(settings)
    sources, missing, other_form, incomplete = {}, None, None, list[str]()
    for folder in image_folders(data_folder):
        home = label_home(folder, settings, scorer)
        tried = [(home / name, (home / name).with_suffix(".xls")) for name in names]
        found = [label_file(home, name) for name in names]
        for csv_path, xls_path in tried:
            if csv_path != xls_path and csv_path.is_file() and xls_path.is_file():
                log.warning("%s is read; %s beside it is not", csv_path, xls_path.name)
        absent = [paths for paths, path in zip(tried, found, strict=True) if path is None]
        if not absent:
            sources[folder] = [path for path in found if path]
        elif not images_in(folder):
            if any(found):
                log.warning("%s is left out: it holds csv files, but no image", folder)
        elif any(found):
            incomplete += [_missing(paths, found, folder, scorer) for paths in absent]
        else:
            missing = _missing(tried[0], found, folder, scorer)
            other_form = _other_form(home, settings) or other_form
            log.info("%s has no labels of %s yet: %s", folder, scorer, missing)
    if incomplete:
        raise ToolboxError(
            f"{in_short(incomplete, separator='; ')}. A body part that nobody labeled yet: label it in the browser "
            "(LabelFrames.py) or in Fiji, or take it out of bodyparts"
        )
    if not sources:
        advice = other_form or "Label the images first, with LabelFrames.py or in Fiji"
        missing = missing or _broken_link(data_folder) or _too_deep(data_folder) or "it holds no folder of images"
        raise NoLabelsError(
            f"{data_folder} has no labels of {scorer}: {missing}. {advice}. {first_step_advice(layout.root)}"
        )
    return sources


def _other_form(home: Path, settings: Settings) -> str | None:
    """Say which setting to change where clicks lie in files of the other form: all in one, or one per body part."""
    wanted = not settings.multibodypartsfile
    names = label_file_names(replace(settings, multibodypartsfile=wanted))
    if found := next((name for name in names if label_file(home, name)), None):
        return f"There is {found}: if it holds the clicks, set multibodypartsfile = {wanted} in myconfig.py"
    return None


def _broken_link(data_folder: Path) -> str | None:
    """Say so where a folder is a link to what is not there, as when a network drive is not connected."""
    if link := next((path for path in sorted(data_folder.iterdir()) if path.is_symlink() and not path.exists()), None):
        return f"{link} is a link to {link.readlink()}, which is not there: connect that drive, or correct the link"
    return None


def _too_deep(data_folder: Path) -> str | None:
    """Say so where the folders of images lie one level too deep."""
    within = (path for folder in image_folders(data_folder) for path in sorted(folder.iterdir()) if path.is_dir())
    if deep := next((path for path in within if images_in(path)), None):
        return f"{deep} and other folders of images lie one level too deep: move them to {data_folder}"
    return None


def label_home(folder: Path, settings: Settings, scorer: str) -> Path:
    """Return where a scorer's csv files lie: beside the images, or with several Scorers in a folder of their own."""
    return as_spelled(folder / scorer) if len(settings.Scorers) > 1 else folder


def label_file_names(settings: Settings) -> list[str]:
    """List the names of the csv files of a folder: one per body part, in their order, or the one for all."""
    if settings.multibodypartsfile:
        return [settings.multibodypartsfilename]
    return [f"{part}.csv" for part in settings.bodyparts]


def label_file(home: Path, name: str) -> Path | None:
    """Return the file that holds the clicks of a body part, None where there is none.

    Parameters
    ----------
    home : Path
        See `label_home`.
    name : str
        As in `label_file_names`; ``.xls``, as v1 renamed it, is looked for too, and accents that macOS spelled apart.
    """
    return next(filter(None, map(_spelled_alike, (home / name, (home / name).with_suffix(".xls")))), None)


def images_to_label(folder: Path, settings: Settings, scorer: str) -> list[Path]:
    """List the images of a folder that a scorer's clicks count, in their order; see `slices.slices_of`."""
    home = label_home(folder, settings, scorer)
    files = [path for name in label_file_names(settings) if (path := label_file(home, name))]
    return slices_of(folder, settings.imagetype, files).images


def _spelled_alike(path: Path) -> Path | None:
    """Return a file of this name, or of one that macOS has spelled with letters and accents apart; None without any."""
    found = as_spelled(path)
    return found if found.is_file() else None


def _plain(path: Path) -> str:
    """Return a name without what is easily written otherwise: capitals, spaces around it, and how it ends."""
    name = path.name
    while Path(name).suffix.lower() in _ENDINGS:
        name = Path(name).stem
    return composed(name).strip().casefold()


def _how_to_use(near: Path, tried: Sequence[Path]) -> str:
    """Say what to do with a file that is nearly the one that was looked for."""
    if other := wrong_kind(near, "a csv of clicks"):
        return f". {other}"
    if near.parent != tried[0].parent:
        return f". {near} exists: move it to {tried[0].parent}"
    if near.suffix.lower() in (".csv", ".xls") and _plain(near) != near.stem.casefold():
        return f". {near.name} is named with two endings, of which Windows hides one: rename it to {tried[0].name}"
    if near.suffix.lower() not in (".csv", ".xls"):
        return f". {near.name} holds them, perhaps: rename it to {tried[0].name}"
    return f". {near.name} differs in capitals or spaces: rename it, or write the name in myconfig.py as there"


def _missing(tried: Sequence[Path], others: Sequence[Path | None], folder: Path, scorer: str) -> str:
    """Say which files were looked for and which are there, so that a misspelled name is seen; `others` are in use."""
    home = tried[0].parent
    listed = [path for path in home.glob("*") if path.suffix.lower() in (".csv", ".xls")]
    refuse_undecodable(listed)
    present = [path for path in listed if path.is_file()]
    if odd := next((path for path in tried if path in listed and path not in present), None):
        return f"{odd} is " + ("a folder" if odd.is_dir() else f"a link to {odd.readlink()}, which is not there")
    there = ", ".join(sorted(path.name for path in present)) or "no csv files"
    elsewhere = folder / scorer if home == folder else folder  # where they lay with more or with fewer Scorers
    found = next(filter(None, (_spelled_alike(elsewhere / path.name) for path in tried)), None)
    meant = did_you_mean(tried[0].stem, [path.stem for path in present if path not in others])
    advice = f" ({meant.removeprefix('; ')})" if meant else ""
    if found:
        advice = f". {found} exists: if it is of {scorer}, move it and the others there to {home}"
    wanted = {_plain(path) for path in tried}
    alike = [path for path in folder.iterdir() if path.is_dir() and _plain(path) == _plain(home) and path != home]
    if alike and home != folder:
        advice = f". {alike[0].name} differs in capitals or spaces: rename it to {home.name}"
    files = sorted(path for path in (*home.glob("*"), *folder.parent.glob("*")) if path.suffix.lower() in _ENDINGS)
    if near := next((path for path in files if path.is_file() and _plain(path) in wanted), None):
        advice = _how_to_use(near, tried)
    if table := next((path.name for path in sorted(present) if path.name.startswith("CollectedData")), None):
        advice = f". {table} is named as the label table of DeepLabCut is, which ImportLabels.py takes over"
    return f"neither {tried[0]} nor {tried[1].name} exists; there: {there}{advice}"
