"""Which help from a network can be had now, and the commands that give it; each in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dlc_common.cli import CHECKOUT
from dlc_toolbox.labeling.help.fitting import Fitting
from dlc_toolbox.labeling.help.helper import LEAST_IMAGES, read_helper, too_few_images
from dlc_toolbox.project.layout import Layout
from dlc_toolbox.project.settings import Settings

SCRIPT = "Generating_a_Training_Set/SuggestLabels.py"


def why_not_suggest(network: Fitting | None, open_images: int) -> str | None:
    """Say why no network can suggest labels now, None when one can.

    Parameters
    ----------
    network : Fitting or None
        As `fitting.find_newest` returns it.
    open_images : int
        How many images have a body part without label.
    """
    if not open_images:
        return "every image is labeled"
    return no_network() if network is None else None


def no_network() -> str:
    """Say what to do when no network fits."""
    return (
        "no network has been trained on these body parts, in this order, yet: "
        f"label {LEAST_IMAGES} images and train a helper"
    )


def why_not_train(labeled_images: int) -> str | None:
    """Say why no helper can be trained now, None when one can.

    Parameters
    ----------
    labeled_images : int
        How many images have a label in the csv files.
    """
    return too_few_images(labeled_images) if labeled_images < LEAST_IMAGES else None


def describe_helper(layout: Layout, settings: Settings) -> dict[str, Any] | None:
    """Return ``{"iteration", "images"}`` of the helper that was trained last, None before there is one."""
    known = read_helper(layout.helper_folder(settings.Task))
    return {"iteration": known.iteration, "images": known.images} if known else None


def command(project: Path, scorer: str, *, trains: bool) -> list[str]:
    """Return program and arguments that suggest labels, or first train a helper, and tell how far they are.

    Parameters
    ----------
    project : Path
        The folder of the settings.
    scorer : str
        Whose labels count.
    trains : bool
        Whether to train a helper first.

    Returns
    -------
    list of str
        What it writes to its standard output are lines of json, ``{"progress": 0.5, "message": "..."}``, among others.
    """
    flags = ["--project", str(project), "--scorer", scorer, "--json", *(["--train"] if trains else [])]
    return [sys.executable, str(CHECKOUT / SCRIPT), *flags]
