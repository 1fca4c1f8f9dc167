"""Steps 2 and 3: label tables and their check; labels from and to elsewhere."""

from __future__ import annotations

import logging
from pathlib import Path

from dlc_common import UsersError, cli
from dlc_common.locks import alone
from dlc_toolbox.labels import check, exporting, importing, interchange, labels
from dlc_toolbox.project.layout import Layout, contact_sheet
from dlc_toolbox.project.settings import AnalysisSettings, load_analysis_settings, load_settings
from dlc_toolbox.project.tables import scorer_of

log = logging.getLogger(__name__)

_STEP2 = "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py"
_STEP3 = "Generating_a_Training_Set/Step3_CheckLabels.py"
_STEP4 = "Generating_a_Training_Set/Step4_GenerateTrainingFileFromLabelledData.py"


def convert_labels(project: Path, *, overwrite: bool = False) -> None:
    """Make the label table of each scorer from the csv files of the clicks.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    overwrite : bool
        Do again what is current.

    Raises
    ------
    UsersError
        When settings or csv files are wrong; the message names file, line and body part.
    """
    layout, settings = Layout(project), load_settings(project)
    with alone(project / "myconfig.py"):
        for scorer in settings.Scorers:
            labels.convert_labels(layout, settings, scorer, overwrite=overwrite)
    log.info("Next: %s", cli.command(project, _STEP3))


def label_frames(
    project: Path, scorer: str | None = None, *, host: str = "127.0.0.1", port: int = 0, opens_browser: bool = True
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
        0: any that is free.
    opens_browser : bool
        Whether to open the page; its address is told in any case.

    Raises
    ------
    UsersError
        When settings are wrong, there is nothing to label, or the port is taken.
    """
    from dlc_toolbox.labeling.server.serve import serve
    from dlc_toolbox.labeling.store.store import LabelStore
    from dlc_toolbox.steps.suggestions import offer_help

    store = LabelStore(Layout(project), scorer)
    serve(store, host, port, opens_browser=opens_browser, help=offer_help(store))
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
    log.info("Next, when the labels are right: %s (after corrections in Fiji, first: %s)", step4, step2)


def import_labels(project: Path, source: Path, *, overwrite: bool = False) -> None:
    """Copy images and labels of another program into the project, and make the label table.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    source : Path
        A project, config.yaml or label table, see `interchange.read_labels`.
    overwrite : bool
        Make a current label table again.

    Raises
    ------
    UsersError
        When the source cannot be read, or body parts and scorer are not those of myconfig.py.
    """
    layout, settings = Layout(project), load_settings(project)
    found = interchange.read_labels(source)
    importing.check_settings(found, settings)
    scorer = scorer_of(found.table)
    home = scorer if len(settings.Scorers) > 1 else ""
    with alone(project / "myconfig.py"):
        importing.import_labels(found, layout.data_folder(settings.Task), home)
        labels.convert_labels(layout, settings, scorer, overwrite=overwrite)
    log.info("Next: %s", cli.command(project, _STEP3))


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
    own = interchange.read_own_labels(layout, settings)
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
    if not (project / "myconfig_analysis.py").is_file():
        return None
    try:
        return load_analysis_settings(project)
    except UsersError as error:
        log.warning("the labels go without a skeleton: %s", error)
        return None
