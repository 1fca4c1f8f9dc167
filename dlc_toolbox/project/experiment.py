"""One split of the labeled images and the network trained on it, and the names that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlc_toolbox.project.settings import AnalysisSettings, Settings


def percent_of(fraction: float) -> int:
    """Return a training fraction in whole percent, as names show it.

    Differs from v1: rounded, where v1 truncated (0.29 became 28).

    Examples
    --------
    >>> percent_of(0.29)
    29
    """
    return round(100 * fraction)


@dataclass(frozen=True)
class Experiment:
    """One split of the labeled images and the network trained on it.

    Parameters
    ----------
    task, date, scorer : str
        As in the settings.
    percent : int
        Share of training images in percent.
    shuffle : int
        Number of the split.
    resnet : int
        Depth of the network: 50, 101 or 152.
    """

    task: str
    date: str
    scorer: str
    percent: int
    shuffle: int
    resnet: int

    @classmethod
    def of(cls, settings: Settings | AnalysisSettings, fraction: float, shuffle: int) -> Experiment:
        """Name the experiment of a training fraction and a shuffle; the rest stands in the settings.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> settings = SimpleNamespace(Task="reach", date="Jan1", scorer="Ann", resnet=50)
        >>> Experiment.of(settings, 0.29, 1).name
        'reachJan1-trainset29shuffle1'
        """
        return cls(settings.Task, settings.date, settings.scorer, percent_of(fraction), shuffle, settings.resnet)

    @property
    def name(self) -> str:
        """Name of the experiment's folder."""
        return f"{self.task}{self.date}-trainset{self.percent}shuffle{self.shuffle}"

    @property
    def split_stem(self) -> str:
        """Stem shared by the .mat and the table copy of the split."""
        return f"{self.task}_{self.scorer}{self.percent}shuffle{self.shuffle}"

    def evaluation_scorer(self, iteration: int) -> str:
        """Name of the network as a scorer of the labeled images."""
        return f"DeepCut_resnet_{self.resnet}_{self.percent}shuffle{self.shuffle}_{iteration}forTask_{self.task}"

    def video_scorer(self, iteration: int) -> str:
        """Name of the network as a scorer of videos; it ends the names of their pose tables."""
        return f"DeepCut_resnet{self.resnet}_{self.task}{self.date}shuffle{self.shuffle}_{iteration}"
