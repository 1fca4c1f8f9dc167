"""Which frames are wanted of a video, and finding them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from dlc_common.progress import tqdm
from dlc_toolbox.frames.variety import Sample, choose_even, choose_various, sample_frames
from dlc_toolbox.video.recording import Crop, Reading, Recording

log = logging.getLogger(__name__)

_COMPARED, _COMPARED_EACH = 500, 20  # frames that are compared at least: of a video, and for each that is wanted


@dataclass(frozen=True)
class Wanted:
    """Which frames to pick from a video.

    Parameters
    ----------
    numframes2pick : int
        How many.
    portion : float
        Share of the video to pick from, counted from its start, in (0, 1].
    seed : int
        Same seed, same frames.
    crop : (x1, x2, y1, y2), optional
        Keep x1 <= x < x2 and y1 <= y < y2, in pixels.
    reading : Reading
        How recordings are read where they leave a choice.
    framechoice : {'random', 'kmeans', 'even'}
        Uniformly at random; by looks and motion, see `variety.choose_various`; or at even distances. Only the first may
        choose frames that are dark, of one colour, damaged, or equal to the one before.
    secondsapart : float
        The least time between two frames for 'kmeans'; less where the video is too short for it.
    """

    numframes2pick: int
    portion: float
    seed: int
    crop: Crop | None = None
    reading: Reading = field(default_factory=Reading)
    framechoice: str = "random"
    secondsapart: float = 1

    @property
    def shaping(self) -> dict[str, Any]:
        """What decides which images are written."""
        settings = asdict(self)
        del settings["reading"]
        for name in {"kmeans": (), "random": ("secondsapart",), "even": ("secondsapart", "seed")}[self.framechoice]:
            del settings[name]
        return settings | self.reading.shaping


def choose_frames(total: int, wanted: Wanted, excluded: Collection[int] = ()) -> list[int]:
    """Choose frames uniformly at random, none twice.

    Parameters
    ----------
    total : int
        Number of frames of the video.
    wanted : Wanted
        How many, from which portion, and the seed.
    excluded : collection of int
        Frame numbers that must not be chosen. What is chosen otherwise stays as it was.

    Returns
    -------
    list of int
        Frame numbers from 0, ascending; fewer than wanted when the portion holds no more.

    Examples
    --------
    >>> choose_frames(10, Wanted(numframes2pick=3, portion=0.4, seed=1), excluded=[2])
    [0, 1, 3]
    """
    order = np.random.default_rng(wanted.seed).permutation(max(1, round(wanted.portion * total)))
    return sorted([int(frame) for frame in order if frame not in excluded][: wanted.numframes2pick])


def look_for_frames(video: Recording, wanted: Wanted, taken: Collection[int]) -> tuple[list[int], int]:
    """Choose frames by what they show, see `variety`, in one pass over a video.

    Parameters
    ----------
    video : Recording
        The video, with the crop that is kept: only what is inside counts.
    wanted : Wanted
        Which frames; `framechoice` is 'kmeans' or 'even'.
    taken : collection of int
        Frames that must not be chosen; 'kmeans' keeps a distance from them.

    Returns
    -------
    list of int
        Frame numbers from 0, ascending; fewer than wanted when no more are fit to be labeled.
    int
        Number of frames that the video delivers.
    """
    sample = _sample(video, wanted, taken)
    if wanted.framechoice == "even":
        return choose_even(sample, wanted.numframes2pick), sample.total
    unit_s = float(video.time_base)
    wanted_apart = wanted.secondsapart / unit_s
    chosen, apart = choose_various(sample, wanted.numframes2pick, wanted_apart, wanted.seed)
    least_s = f"{apart * unit_s:.3g} s apart"
    if apart < wanted_apart:
        least_s += f", not {wanted.secondsapart:g} s, which would leave too few"
    compared = len(sample.numbers)
    log.info(
        "%s: %d frames compared by looks and motion; those chosen are at least %s", video.path.name, compared, least_s
    )
    return chosen, sample.total


def _sample(video: Recording, wanted: Wanted, taken: Collection[int]) -> Sample:
    """Sample the wanted portion; where it depends on the count in the header, that is believed until it is refuted."""
    total, least = video.expected_frames, max(_COMPARED, _COMPARED_EACH * wanted.numframes2pick)
    while True:
        part = range(max(1, round(wanted.portion * total)) if wanted.portion < 1 else sys.maxsize)
        progress = tqdm(video.shown(), desc=video.path.name, total=total or None, unit="frame", leave=False)
        sample = sample_frames(progress, least, is_wanted=part.__contains__, taken=taken)
        if wanted.portion == 1 or sample.total == total:
            return sample
        total = sample.total
