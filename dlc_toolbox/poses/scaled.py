"""A network that looks at frames scaled down: fewer pixels, fewer computations, poses in pixels of the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlc_common.scaling import full_size_points, ratios, shrink
from dlc_toolbox.measure.confidence import FEATURES
from dlc_toolbox.poses.network import Predict, look

_LENGTHS = [number for number, name in enumerate(FEATURES) if name.endswith("_px")]


@dataclass(frozen=True)
class Scaled:
    """A predictor that scales frames down before a network sees them.

    Parameters
    ----------
    predict : Predict
        The network.
    scale : float
        Size of what it sees, relative to the frame, in (0, 1]; rounded to whole pixels.
    """

    predict: Predict
    scale: float

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Find every body part; the poses of `with_features`."""
        return self.with_features(frames)[0]

    def with_features(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find every body part in scaled frames, and tell about the maps.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            RGB, of full size.

        Returns
        -------
        poses : ndarray of shape (B, K, 3), float32
            x and y in pixels of the full frames, likelihood.
        features : ndarray of shape (B, K, 4), float32
            As `look` tells them, lengths in pixels of the full frames.
        """
        small = shrink(frames, self.scale)
        poses, features = map(np.array, look(self.predict, small))
        sizes = small.shape[1:3], frames.shape[1:3]
        poses[..., :2] = full_size_points(poses[..., :2], *sizes)
        features[..., _LENGTHS] *= np.sqrt(ratios(*sizes).prod())  # where the two differ, they do by less than a pixel
        return poses, features


def scaled(predict: Predict, scale: float) -> Predict:
    """Return a predictor that looks at frames scaled down, or the same where there is nothing to scale."""
    return predict if scale == 1 else Scaled(predict, scale)
