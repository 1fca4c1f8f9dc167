"""The scales at which images train, and what to do where frames are looked at in another size."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from dlc_common.culprits import in_short

SMALLEST_SIDE = 100
"""Pixels that a scaled image must have along each side, as in v1."""

_CLOSE = 1.05  # ratio of two scales at which a network finds the same

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True)
class TrainingScales:
    """The keys of a pose_cfg.yaml that decide at which scales images train.

    Parameters
    ----------
    global_scale, scale_jitter_lo, scale_jitter_up : float
        The scales that are wished for are global_scale times the jitter.
    max_input_size : float
        The scaled area is at most its square.
    """

    global_scale: float = 1.0
    scale_jitter_lo: float = 1.0
    scale_jitter_up: float = 1.0
    max_input_size: float = math.inf

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TrainingScales:
        """Take these keys from all of a pose_cfg.yaml; absent ones and null have v1's built-in values."""
        return cls(**{field.name: float(config[field.name]) for field in fields(cls) if config.get(field.name)})

    @property
    def wished(self) -> tuple[float, float]:
        """Smallest and largest scale that is wished for."""
        return self.global_scale * self.scale_jitter_lo, self.global_scale * self.scale_jitter_up

    def of_image(self, size: Size) -> tuple[float, float] | None:
        """Return the scales at which an image can train, or None when even the best does not fit.

        Differs from v1, which drew a scale first and skipped the image when it did not fit, in silence.

        Parameters
        ----------
        size : (height, width)
            In pixels.

        Returns
        -------
        (float, float) or None
            Smallest and largest scale, at which every side has at least 100 pixels.

        Examples
        --------
        >>> TrainingScales(0.8, 0.5, 1.5, max_input_size=200).of_image((200, 400))
        (0.5, 0.7071067811865475)
        >>> TrainingScales(0.8, 0.5, 1.5, max_input_size=200).of_image((50, 400)) is None
        True
        """
        smallest, largest = self.wished
        low, high = max(smallest, SMALLEST_SIDE / min(size)), min(largest, self._largest(size))
        return (low, high) if low <= high else None

    def left_out(self, sizes: Sequence[Size]) -> str | None:
        """Say which images cannot train, and what to do; None where all can.

        Parameters
        ----------
        sizes : sequence of (height, width)
            Of the training images.
        """
        counts = Counter(size for size in sizes if self.of_image(size) is None)
        if not counts:
            return None
        smallest, largest = self.wished
        table = in_short([_images(size, times) for size, times in counts.most_common()])
        return (
            f"{counts.total()} of {len(sizes)} training images are left out: scaled by {smallest:g} to {largest:g}, a "
            f"side is below {SMALLEST_SIDE} pixels or the area above max_input_size squared ({table}). "
            f"{self._advice(list(counts))}"
        )

    def unlike_frames(self, sizes: Sequence[Size]) -> str | None:
        """Say which images train at scales that are far from full size, and what to do; None where none does.

        Parameters
        ----------
        sizes : sequence of (height, width)
            Of the training images.
        """
        scales = {size: self.of_image(size) for size in sizes}
        unlike = {size: found for size, found in scales.items() if found and not _is_near_one(*found)}
        if not unlike:
            return None
        counts = Counter(size for size in sizes if size in unlike)
        table = in_short([f"{_images(size, times)} at {_span(*unlike[size])}" for size, times in counts.most_common()])
        return (
            f"{counts.total()} of {len(sizes)} training images never train in full size ({table} of it), but frames "
            "are looked at in full size unless analysisscale in myconfig_analysis.py says otherwise: poses may be far "
            f"off where it names none of these scales. {self._advice(list(unlike))}"
        )

    def _largest(self, size: Size) -> float:
        """Return the scale that gives an image the largest area."""
        return self.max_input_size / math.sqrt(math.prod(size))

    def _advice(self, sizes: Sequence[Size]) -> str:
        """Say how images of these sizes can train at the scale at which frames are looked at."""
        small, large = min(sizes, key=min), max(sizes, key=math.prod)
        told = []
        if min(small) < SMALLEST_SIDE:
            factor = 2 * math.ceil(SMALLEST_SIDE / 2 / min(small))  # even, as most codecs want sides to be
            told.append(
                f"{_pixels(small)} is too small whatever the settings, as training needs {SMALLEST_SIDE} pixels along "
                "each side: crop less, or enlarge the videos and label images of these (ffmpeg -i small.mp4 -vf "
                f"scale={factor}*iw:{factor}*ih large.mp4)."
            )
        if self._largest(large) < 1:
            told.append(self._advice_on_large(large))
        elif not told or not _is_near_one(*self.wished):
            told.append(f"Set global_scale to {self._centred(1):.3g} in pose_cfg.yaml.")
        return " ".join(told)

    def _advice_on_large(self, size: Size) -> str:
        """Say what to do about images that are too large at full size."""
        least = f"{math.ceil(math.sqrt(math.prod(size)))}"
        if not _is_near_one(*self.wished):
            least += f", and global_scale to {self._centred(1):.3g},"
        ways = [
            f"{_pixels(size)} is too large for max_input_size: set it to {least} in pose_cfg.yaml if memory allows",
            "crop, or shrink the videos and label images of these",
        ]
        scale = math.floor(100 * self._largest(size)) / 100
        if scale * min(size) >= SMALLEST_SIDE:
            ways.append(
                f"train and analyze at {scale:g} of full size: set global_scale to {self._centred(scale):.3g} and "
                f"divide pos_dist_thresh by {scale:g} in pose_cfg.yaml, and set analysisscale to {scale:g} in "
                "myconfig_analysis.py"
            )
        return "; or ".join(ways) + "."

    def _centred(self, scale: float) -> float:
        """Return the global_scale at which jitter comes to a scale."""
        return scale / float(np.clip(1, self.scale_jitter_lo, self.scale_jitter_up))


def _is_near_one(low: float, high: float) -> bool:
    """Tell whether scales include full size, or nearly do."""
    return low <= _CLOSE and high >= 1 / _CLOSE


def _span(low: float, high: float) -> str:
    """Write two scales, or one where they are the same."""
    return f"{low:.3g} to {high:.3g}" if low < high else f"{low:.3g}"


def _pixels(size: Size) -> str:
    """Write a size as people do, the width first."""
    return f"{size[1]} x {size[0]}"


def _images(size: Size, times: int) -> str:
    """Say how many images have a size."""
    return f"{times} of {_pixels(size)}"
