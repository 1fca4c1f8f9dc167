"""What the tests of exported poses have in common."""

from __future__ import annotations

from dlc_toolbox.project.settings import AnalysisSettings

PARTS = ("nose", "paw", "tail")
STEM = "toyDeepCut_resnet50_toyJan1shuffle1_100"


def settings(**changes) -> AnalysisSettings:
    return AnalysisSettings(scorer="Ann", Task="toy", date="Jan1", skeleton=(("nose", "tail"),), **changes)
