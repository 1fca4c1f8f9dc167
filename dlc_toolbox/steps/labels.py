"""Steps 2 and 3: label tables and their check; labels from and to elsewhere."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlc_common import UsersError, cli
from dlc_common.locks import alone
from dlc_toolbox.exchange import exporting, importing, labelset, machine
from dlc_toolbox.exchange.readers.fetching import fetch, of_one_type
from dlc_toolbox.exchange.readers.found import Found
from dlc_toolbox.exchange.readers.recognise import read_labels, tell_left_out
from dlc_toolbox.exchange.readers.usable import usable
from dlc_toolbox.exchange.settings import settings_to_take, take_settings, write_splits
from dlc_toolbox.labels import check, labels
from dlc_toolbox.labels.plausible import warn_of_one_hand
from dlc_toolbox.project.layout import Layout, contact_sheet, image_folders
from dlc_toolbox.project.rewriting import written
from dlc_toolbox.project.settings import AnalysisSettings, Settings, load_analysis_settings, load_settings
from dlc_toolbox.project.tables import read_table, scorer_of

log = logging.getLogger(__name__)

_ANALYSIS = "myconfig_analysis.py"
_LABEL = "Generating_a_Training_Set/LabelFrames.py"
_STEP2 = "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"
_STEP3 = "Generating_a_Training_Set/Step3_CheckLabels.py"
_STEP4 = "Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py"


def convert_labels(project: Path, *, overwrite: bool = False, drop_missing: bool = False) -> None:
    """Make the label table of each scorer from the csv files of the clicks.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    overwrite : bool
        Do again what is current.
    drop_missing : bool
        Give up labels that no csv file holds, of images that are gone or changed.

    Raises
    ------
    UsersError
        When settings or csv files are wrong; the message names file, line and body part.
    """
    layout, settings = Layout(project), load_settings(project)
    with alone(project / "myconfig.py"):
        flags = {"overwrite": overwrite, "drop_missing": drop_missing}
        made = {name: labels.convert_labels(layout, settings, name, **flags) for name in settings.Scorers}
        warn_of_one_hand({scorer: read_table(path) for scorer, path in made.items()})
    log.info("Next: %s", cli.command(project, _STEP3))


def label_frames(
    project: Path,
    scorer: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    opens_browser: bool = True,
    image: str | None = None,
    part: str | None = None,
) -> None:
    """Serve the page on which people label the images, until Ctrl-C.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    scorer : str, optional
        Who labels, one of `Scorers`; default `scorer` of the settings.
    host : str
        Address to listen on; any but this machine's own lets others in.
    port : int
        0: the project's own where it is free, else any that is.
    opens_browser : bool
        Whether to open the page; its address is told in any case.
    image : str, optional
        The image to begin with, ``<folder>/<name>``.
    part : str, optional
        The body part to begin with in that image.

    Raises
    ------
    UsersError
        When settings are wrong, there is nothing to label, no such image or part, or the port is taken.
    """
    from dlc_toolbox.labeling.server.serve import serve
    from dlc_toolbox.labeling.store.store import LabelStore
    from dlc_toolbox.steps.suggestions import offer_help

    store = LabelStore(Layout(project), scorer)
    if image is not None:
        try:
            store.check_place(image, part)
        except UsersError:
            store.close()
            raise
    first = (image, part) if image is not None else None
    serve(store, host, port, opens_browser=opens_browser, help=offer_help(store), first=first)
    log.info("Next: %s", cli.command(project, _STEP2))


def check_labels(project: Path, *, overwrite: bool = False) -> None:
    """Draw the labels of all scorers into their images, and make a page of them.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    overwrite : bool
        Draw again what is current.

    Raises
    ------
    UsersError
        When there are no labels, or they are not those of the csv files any more.
    """
    layout, settings = Layout(project), load_settings(project)
    with alone(project / "myconfig.py"):
        folders = check.check_labels(layout, settings, overwrite=overwrite)
    for folder in folders:
        log.info("Look at %s", contact_sheet(folder))
    log.info("or open %s in a browser", layout.labels_page(settings.Task))
    step4, step2 = cli.command(project, _STEP4), cli.command(project, _STEP2)
    log.info("Next, when the labels are right: %s (after corrections, first: %s)", step4, step2)


def import_labels(
    project: Path,
    source: Path,
    *,
    images: Path | None = None,
    zero: str | None = None,
    dry_run: bool = False,
    overwrite: bool = False,
) -> None:
    """Take images and labels of another program into the project, and make the label table.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    source : Path
        A project, folder or file of one of the programs in `recognise.READERS`.
    images : Path, optional
        Folder of images or videos, where they are not beside it.
    zero : {'centre', 'corner'}, optional
        Where 0 is in the first pixel, where a person knows better than the format.
    dry_run : bool
        Only tell what would come.
    overwrite : bool
        Make a current label table again.

    Raises
    ------
    UsersError
        When the source cannot be read, or body parts and scorer are not those of myconfig.py.
    """
    layout, settings = Layout(project), load_settings(project)
    data_folder = layout.data_folder(settings.Task)
    with tempfile.TemporaryDirectory() as scratch:
        found = read_labels(source, Path(scratch), images=images, scorer=settings.scorer, zero=zero)
        if found.frames_of:
            found = machine.on_images(found, data_folder)
        if found.pending and not dry_run:
            importing.check_settings(found, settings)  # before the work of decoding
        found = usable(found if dry_run else fetch(found))
        found = of_one_type(found, Path(scratch))
        for remark in found.remarks:
            log.warning("%s: %s", found.source, remark)
        tell_left_out(found.left_out, found.source)
        if found.likelihoods is None:
            importing.warn_of_invisible(found, settings)
        if dry_run:
            _tell_import(layout, settings, found)
        elif found.likelihoods is not None:
            with alone(project / "myconfig.py"):
                machine.import_machine_labels(found, data_folder, settings)
            log.info("Next: %s", cli.command(project, _LABEL))
        else:
            _import(layout, settings, found, overwrite=overwrite)


def _import(layout: Layout, settings: Settings, found: Found, *, overwrite: bool) -> None:
    """Write settings, images, labels, label table and splits; with images, a project is not fresh any more."""
    importing.check_settings(found, settings)
    data_folder, scorer = layout.data_folder(settings.Task), scorer_of(found.table)
    with alone(layout.root / "myconfig.py"):
        theirs, take, kept = _settings_of(layout, settings, found)
        plans = importing.plan_import(found, data_folder, _home(settings, scorer))
        take_settings(layout.root, data_folder, theirs, take)
        importing.import_labels(plans)
        labels.convert_labels(layout, settings, scorer, overwrite=overwrite)
        if videos := take.get(_ANALYSIS, {}).get("videofolder"):
            log.info("AnalyzeVideos.py will write poses beside the videos, in %s, unless you copy them", videos)
        for path in write_splits(data_folder, importing.placed_splits(found, plans)):
            log.info("%s: a split, for %s", path, cli.command(layout.root, _STEP4, "--split", str(path)))
    if kept:
        log.info("Settings that differ there, and stay here: %s", "; ".join(kept))
    log.info("Next: %s", cli.command(layout.root, _STEP3))


def _settings_of(
    layout: Layout, settings: Settings, found: Found
) -> tuple[Mapping[str, Mapping[str, Any]], dict[str, dict[str, Any]], list[str]]:
    """Return the settings that come with labels, those of them to take, and what differs and stays, in words."""
    data_folder = layout.data_folder(settings.Task)
    is_fresh = _is_fresh(data_folder)
    theirs = _with_network(settings, found.settings) if is_fresh else found.settings
    return theirs, *settings_to_take(layout.root, data_folder, theirs, is_fresh=is_fresh)


def _with_network(settings: Settings, theirs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """Return settings that come, and with them the name of the network that these labels will train."""
    network = {
        **{name: getattr(settings, name) for name in ("Task", "scorer", "date", "resnet")},
        "trainingsFraction": settings.TrainingFraction[0],
        "shuffle": settings.Shuffles[0],
    }
    return {**theirs, _ANALYSIS: {**network, **theirs.get(_ANALYSIS, {})}}


def _tell_import(layout: Layout, settings: Settings, found: Found) -> None:
    """Log what an import would do; nothing is written."""
    data_folder, lines = layout.data_folder(settings.Task), list[str]()
    if found.likelihoods is not None:
        machine.import_machine_labels(found, data_folder, settings, dry_run=True)
    else:
        lines = importing.lines_to_set(found, settings)
        for line in lines:
            log.warning("myconfig.py does not fit, and must have: %s", line)
        plans = importing.plan_import(found, data_folder, _home(settings, scorer_of(found.table)))
        for plan in plans:
            plan.tell(dry_run=True)
        _, take, kept = _settings_of(layout, settings, found)
        for name, values in take.items():
            log.info("%s would get: %s", name, "; ".join(f"{key} = {written(value)}" for key, value in values.items()))
        if kept:
            log.info("Settings that differ there, and would stay here: %s", "; ".join(kept))
        splits = importing.placed_splits(found, plans)
        write_splits(data_folder, splits, dry_run=True)
        for name, split in splits.items():
            log.info("split %s: %d train, %d test", name, len(split["train"]), len(split["test"]))
    if found.pending:
        log.info("%d images are frames of videos, or inside of the file, and not decoded yet", len(found.pending))
    advice = "set these lines in myconfig.py, then run it" if lines else "run it"
    log.info("Nothing was written: %s without --dry-run", advice)


def _home(settings: Settings, scorer: str) -> str:
    """Return the sub-folder of a scorer's csv files, where there are several."""
    return scorer if len(settings.Scorers) > 1 else ""


def _is_fresh(data_folder: Path) -> bool:
    """Tell whether a project has no images yet."""
    return not data_folder.is_dir() or not image_folders(data_folder)


def export_labels(project: Path, target: Path, form: str) -> None:
    """Write the labels that train the network for another program.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    target : Path
        The folder to make.
    form : {'deeplabcut', 'lightning-pose'}
        Whose form.

    Raises
    ------
    UsersError
        When there are no labels, or the folder holds something already.
    """
    layout, settings = Layout(project), load_settings(project)
    own = labelset.read_own_labels(layout, settings)
    if form != "deeplabcut":
        exporting.export_lightning_pose(own, target)
        log.info("%s: %d images in %d folders", target, len(own.table), len(own.folders()))
        return
    config = exporting.deeplabcut_config(settings, _analysis_settings(project))
    origins = exporting.origins_of(layout, settings, own.folders())
    gone = exporting.export_deeplabcut(own, target, settings.Task, settings.date, config=config, origins=origins)
    log.info("%s: %d images in %d folders", target, len(own.table), len(own.folders()))
    if gone:
        names = ", ".join(path.name for path in gone)
        log.info("Next: put %s into %s, or correct video_sets in config.yaml there", names, target / "videos")
    else:
        log.info("Next, in DeepLabCut: deeplabcut.create_training_dataset(%r)", str(target / "config.yaml"))


def _analysis_settings(project: Path) -> AnalysisSettings | None:
    """Return the settings of the analysis, which a project of labels need not have; what is wrong with them is told."""
    if not (project / _ANALYSIS).is_file():
        return None
    try:
        return load_analysis_settings(project)
    except UsersError as error:
        log.warning("the labels go without a skeleton: %s", error)
        return None
