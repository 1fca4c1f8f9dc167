"""The two settings files, which say some things twice."""

from __future__ import annotations

import logging
from pathlib import Path

from dlc_common import UsersError
from dlc_toolbox.measure.metrics import AUTO
from dlc_toolbox.project.settings import AnalysisSettings, load_settings

log = logging.getLogger(__name__)

_SAID_TWICE = ("Task", "date", "scorer", "resnet", "pcutoff", "videostream", "channel")


def disagreements(root: Path, analysis: AnalysisSettings) -> list[str]:
    """Compare what myconfig.py and myconfig_analysis.py both say.

    Parameters
    ----------
    root : Path
        Folder that holds them.
    analysis : AnalysisSettings
        The checked content of the second.

    Returns
    -------
    list of str
        A sentence per setting that differs; none where myconfig.py is missing or wrong, which is told elsewhere.
    """
    try:
        labeling = load_settings(root)
    except UsersError:
        return []
    pairs = [(name, getattr(labeling, name), getattr(analysis, name)) for name in _SAID_TWICE]
    return [
        f"{name} is {first!r} in myconfig.py, {second!r} in myconfig_analysis.py"
        for name, first, second in pairs
        if first != second and AUTO not in (first, second)  # one that is chosen contradicts no number
    ]


def warn_of_disagreements(root: Path, analysis: AnalysisSettings) -> None:
    """Log what the two files say differently, as `disagreements` tells; it may be meant."""
    if found := disagreements(root, analysis):
        log.warning("The settings files differ: %s. What myconfig_analysis.py says counts here", "; ".join(found))
