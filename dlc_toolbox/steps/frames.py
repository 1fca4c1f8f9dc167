"""Step 1: frames of the videos, to be labeled."""

from __future__ import annotations

import logging
from pathlib import Path

from dlc_common import cli
from dlc_toolbox.frames import choosing
from dlc_toolbox.frames.preview import write_crop_preview
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import load_settings
from dlc_toolbox.video.recording import Reading

log = logging.getLogger(__name__)


def pick_frames(project: Path, *, seed: int | None = None, overwrite: bool = False) -> None:
    """Draw the crop, then pick frames of each video that myconfig.py names.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    seed : int, optional
        Instead of the seed in myconfig.py.
    overwrite : bool
        Pick again although the same was picked before.

    Raises
    ------
    UsersError
        When settings, videos or the crop do not fit; the message says what to do.
    """
    layout, settings = Layout(project), load_settings(project)
    videos = choosing.videos_to_pick_from(layout, settings)
    preview = layout.crop_preview(settings.Task)
    window = (settings.x1, settings.x2, settings.y1, settings.y2)
    reading = Reading.of(settings)
    write_crop_preview(videos, window, settings.cropping, preview, reading)
    log.info("The crop is drawn in %s", preview)
    if settings.numframes2pick == 0:
        log.info("Next: when the crop is right, set numframes2pick in myconfig.py and run this step again")
        return
    seed = settings.seed if seed is None else seed
    wanted = choosing.Wanted(settings.numframes2pick, settings.portion, seed, settings.crop, reading)
    for video in videos:
        choosing.pick_frames(video, layout.data_folder(settings.Task), wanted, overwrite=overwrite)
    step2 = cli.command(project, "Generating_a_Training_Set/Step2_ConvertingLabels2DataFrame.py")
    page = cli.command(project, "Generating_a_Training_Set/LabelFrames.py")
    log.info(
        "Next: label the images in the browser: %s (or in Fiji, with the csv files beside them, then: %s)", page, step2
    )
