"""A window that moves with the animal, so that a network looks at a part of each frame only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dlc_toolbox.measure.metrics import Cutoff, is_confident
from dlc_toolbox.poses.network import Predict, look

Box = tuple[int, int, int, int]
"""x1 <= x < x2, y1 <= y < y2, in pixels of the frame, in this order."""

BATCHES_PER_REFRESH = 16
"""Calls of a `MovingWindow` after which it forgets all and looks at a whole frame; a new one may start there."""

_STRIDE = 16  # px; a window that begins at a multiple meets the same grid of the network as the whole frame
_STEP = 64  # px; windows are multiples, because some engines prepare anew for each size
_LARGEST_SHARE = 0.75  # of the frame; a larger window is not worth it
_WIDER = 3  # times the margin, where a window cannot be trusted


@dataclass(frozen=True)
class WindowRule:
    """How a window follows the animal.

    Parameters
    ----------
    pcutoff : Cutoff
        The least likelihood of a body part that is seen.
    margin : float
        Pixels between the body parts and the edges of the window; a network needs to see what surrounds a part.
    padded : bool
        Whether the network pads images to multiples of 16.
    """

    pcutoff: Cutoff
    margin: float
    padded: bool = True

    @property
    def shaping(self) -> dict[str, Any]:
        """What shapes the poses beside the network, which knows itself whether it pads; ready for a record."""
        return {"pcutoff": self.pcutoff, "margin": self.margin}

    def scaled(self, scale: float) -> WindowRule:
        """Return the same rule for frames at a scale."""
        return replace(self, margin=scale * self.margin)


def place_window(points: np.ndarray, margin: float, width: int, height: int, *, padded: bool = True) -> Box | None:
    """Place a window around points.

    Its left and top edges are multiples of 16, its sides multiples of 64 (up to 15 less at the right and lower edge of
    the frame), so that few sizes occur and the grid of the network stays where it is. The grid of a network that does
    not pad is another where half a side, rounded up, is odd: there its sides are 2 less than multiples of 64.

    Parameters
    ----------
    points : ndarray of shape (N, 2)
        x, y in pixels; NaN is ignored.
    margin : float
        Least distance in pixels of a point from an edge of the window that is no edge of the frame.
    width, height : int
        Of the frame.
    padded : bool, optional
        Whether the network pads images to multiples of 16.

    Returns
    -------
    (x1, x2, y1, y2) or None
        The window; None for the whole frame, when there is no point, or three quarters of the frame were needed.

    Examples
    --------
    >>> place_window(np.array([[300.0, 200.0], [340.0, 210.0]]), 20, 640, 480)
    (256, 384, 144, 272)
    >>> place_window(np.array([[300.0, 200.0], [340.0, 210.0]]), 20, 638, 480, padded=False)
    (256, 382, 144, 272)
    """
    seen = points[np.isfinite(points).all(axis=-1)]
    if not len(seen):
        return None
    seen = np.clip(seen, 0, (width - 1, height - 1))
    (left, top), (right, bottom) = seen.min(axis=0) - margin, seen.max(axis=0) + margin
    x1, x2 = _place_side(left, right, width, padded)
    y1, y2 = _place_side(top, bottom, height, padded)
    share = (x2 - x1) * (y2 - y1) / (width * height)
    return (x1, x2, y1, y2) if share < _LARGEST_SHARE else None


def _place_side(low: float, high: float, size: int, padded: bool) -> tuple[int, int]:
    """Return start and end of a side that covers low to high, as far as the frame reaches."""
    low, high = max(int(np.floor(low)), 0), min(int(np.ceil(high)) + 1, size)
    less = 0 if padded else -(-size // 2) % 2 * 2
    length = -(-(high - low + _STRIDE + less) // _STEP) * _STEP - less
    if length >= size:
        return 0, size
    middle = round((low + high - length) / 2 / _STRIDE) * _STRIDE
    last = -(-(size - length) // _STRIDE) * _STRIDE
    start = min(max(middle, 0), last)
    return start, min(start + length, size)


class MovingWindow:
    """A predictor that looks at a window around the animal, wherever it trusts what it finds there.

    The window of a batch surrounds the body parts where they were last seen in the batch before, and where they get by
    the end of this one if the animal keeps its speed. What a window shows cannot be trusted when a part is closer to an
    edge of it than half the margin, or is lost and was so in the frame before, and when less than half of the parts are
    left that were seen then. Such a frame is looked at in the next larger of: the window around what was found in the
    batch so far, one with three times the margin, the whole frame. Looked at as a whole are also every frame while no
    part is seen, and the first of every 16th batch. A part that appears far from all others is thus found only at the
    next such frame.

    Parameters
    ----------
    predict : callable
        From frames, uint8 (B, H, W, 3), to poses, float32 (B, K, 3). It is called with batches as they come and with
        single frames.
    rule : WindowRule
        How the window follows the animal.
    """

    _places: np.ndarray  # (2 K, 2), in pixels: where parts were last seen, and where they get
    _before: np.ndarray  # (K, 7), the pose of the frame before

    def __init__(self, predict: Predict, rule: WindowRule):
        self._predict, self._rule = predict, rule
        self._calls = self._pixels_given = self._pixels = 0

    @property
    def analyzed_share(self) -> float:
        """Pixels that `predict` was given, as a share of those of the frames."""
        return self._pixels_given / self._pixels if self._pixels else 1.0

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Find the body parts in frames that follow those of the last call; the poses of `with_features`."""
        return self.with_features(frames)[0]

    def with_features(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the body parts in frames that follow those of the last call, and tell about the maps in the window.

        Parameters
        ----------
        frames : ndarray of shape (B, H, W, 3), uint8
            RGB. Black ones (lost, or filling up the last batch) are passed over.

        Returns
        -------
        poses : ndarray of shape (B, K, 3), float32
            x and y in pixels of the whole frames, likelihood.
        features : ndarray of shape (B, K, 4), float32
            As `look` of the predictor tells them.
        """
        height, width = frames.shape[1:3]
        whole = (0, width, 0, height)
        if self._calls % BATCHES_PER_REFRESH == 0:
            self._remember(self._look(frames[:1], whole))
        self._calls += 1
        self._pixels += frames[..., 0].size
        first = self._place(whole)
        looks = [first, self._place(whole, _WIDER), whole]
        poses = self._look(frames, first)
        shown = [number for number, frame in enumerate(frames) if frame.any()]
        for position, number in enumerate(shown):
            for window in dict.fromkeys(looks):
                if window != first:
                    poses[number] = self._look(frames[number : number + 1], window)[0]
                if window == whole or not self._is_doubtful(poses[number], window, first, whole):
                    break
            if window != first:
                earlier = self._places
                self._remember(poses[shown[: position + 1]])
                self._places = np.concatenate([earlier, self._places])  # parts may be hidden for a moment
                looks = [first, self._place(whole), self._place(whole, _WIDER), whole]
            self._before = poses[number]
        if shown:
            self._remember(poses[shown])
        return poses[..., :3], poses[..., 3:]

    def _place(self, whole: Box, wider: float = 1) -> Box:
        """Return the window around what is remembered, with some times the margin, or the whole frame."""
        _, width, _, height = whole
        margin = wider * self._rule.margin
        return place_window(self._places, margin, width, height, padded=self._rule.padded) or whole

    def _look(self, frames: np.ndarray, window: Box) -> np.ndarray:
        """Return the poses in a window of frames, in pixels of the whole frames, with features behind; (B, K, 7)."""
        x1, x2, y1, y2 = window
        self._pixels_given += len(frames) * (x2 - x1) * (y2 - y1)
        poses, features = look(self._predict, frames[:, y1:y2, x1:x2])
        return np.concatenate([poses + np.array([x1, y1, 0], np.float32), features], axis=2)

    def _is_seen(self, poses: np.ndarray) -> np.ndarray:
        """Tell which body parts are seen, by their likelihood."""
        return is_confident(poses[..., 2], self._rule.pcutoff)

    def _is_doubtful(self, pose: np.ndarray, window: Box, first: Box, whole: Box) -> bool:
        """Tell whether the pose found in a window, (K, 7), may be another in the whole frame.

        A part that was lost near an edge of the first window is to be seen again, however large the window.
        """
        seen, seen_before = self._is_seen(pose), self._is_seen(self._before)
        lost = self._before[seen_before & ~seen]
        near = np.concatenate([self._is_near_edge(pose[seen], window, whole), self._is_near_edge(lost, first, whole)])
        return bool(near.any() or seen.sum() < seen_before.sum() / 2)

    def _is_near_edge(self, poses: np.ndarray, window: Box, whole: Box) -> np.ndarray:
        """Tell which poses, (N, 7), are near an edge of a window that is no edge of the frame."""
        x1, x2, y1, y2 = np.where(np.equal(window, whole), (-np.inf, np.inf, -np.inf, np.inf), window)
        x, y = poses[:, :2].T
        return np.min([x - x1, x2 - x, y - y1, y2 - y], axis=0) < self._rule.margin / 2

    def _remember(self, poses: np.ndarray) -> None:
        """Keep where parts were last seen in successive poses, (N, K, 7), and where they get in as many frames more."""
        seen = self._is_seen(poses)
        first, last = seen.argmax(axis=0), len(seen) - 1 - seen[::-1].argmax(axis=0)
        parts = np.arange(seen.shape[1])
        places = np.where(np.any(seen, axis=0)[:, None], poses[last, parts, :2], np.nan)
        moved = last > first
        ways = (places - poses[first, parts, :2])[moved] / (last - first)[moved, None]
        drift = len(poses) * np.median(ways, axis=0) if moved.any() else 0.0
        self._places = np.concatenate([places, places + drift])
        self._before = poses[-1]
