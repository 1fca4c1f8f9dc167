"""What a network in training makes of whole labeled images: its error where they are held out, and pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import cv2
import keras
import numpy as np

from deepercut.data.augment import rescale
from deepercut.data.dataset import TrainingImage, read_labeled
from deepercut.network.posenet import with_poses

PICTURES = 4
"""Images to draw each time."""

PICTURE_SIDE = 640
"""Longest side of a picture in pixels."""

UNSURE = 0.1
"""Likelihood below which a picture shows a prediction as a cross."""


def hold_out(
    images: Sequence[TrainingImage], fraction: float, seed: int, kept: Collection[str] | None = None
) -> tuple[list[TrainingImage], list[TrainingImage]]:
    """Choose the images that measure the error of the training on all others.

    Parameters
    ----------
    images : sequence of TrainingImage
        Of the training set; the test images of the split are not among them.
    fraction : float
        Share to hold out, at most 0.5. Of few images that may be none.
    seed : int
        Of the run.
    kept : collection of str, optional
        Names of the images that a resumed run has held out so far, in place of a choice.

    Returns
    -------
    training, held_out : list of TrainingImage
        Each in the order of `images`.
    """
    if kept is None:
        count = round(fraction * len(images))
        chosen = np.random.default_rng([seed, 2]).permutation(len(images))[:count]
        kept = {images[number].name for number in chosen}
    training = [image for image in images if image.name not in kept]
    return training, [image for image in images if image.name in kept]


class Validation:
    """A network on whole images, as it will be used: at the size of the frame, whatever the training's scale.

    Parameters
    ----------
    network : keras.Model
        In training.
    locref_stdev : float
        Unit in pixels of the location refinement.
    training, held_out : sequence of TrainingImage
        As `hold_out` gives them. Without held-out images no error is measured, and training images are drawn.
    copies : int, optional
        Of each image, where several devices share out a batch.
    """

    def __init__(
        self,
        network: keras.Model,
        locref_stdev: float,
        training: Sequence[TrainingImage],
        held_out: Sequence[TrainingImage],
        copies: int = 1,
    ):
        self.predict, self.copies = with_poses(network, locref_stdev).predict_on_batch, copies
        self.held_out, self.images = held_out, held_out or training[:PICTURES]

    def measure(self) -> tuple[float, list[np.ndarray]]:
        """Let the network as it is now find the body parts.

        Returns
        -------
        error_px : float
            Mean Euclidean distance over all labeled pairs of held-out image and body part; NaN where there is none.
        pictures : list of ndarray of shape (H, W, 3), uint8
            RGB; the first images with labels and predictions.
        """
        errors: list[np.ndarray] = []
        pictures: list[np.ndarray] = []
        for image in self.images:
            frame = read_labeled(image)
            pose = np.asarray(self.predict(np.stack([frame] * self.copies)))[0]
            errors.append(errors_px(pose, image.joints))
            if len(pictures) < PICTURES:
                pictures.append(draw_pose(frame, image.joints, pose))
        pairs = np.concatenate(errors)
        return float(pairs.mean()) if self.held_out and pairs.size else float("nan"), pictures


def errors_px(pose: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Return how far each labeled joint is from the network's.

    Parameters
    ----------
    pose : ndarray of shape (K, 3)
        x, y in pixels and likelihood of each part.
    joints : ndarray of shape (M, 3)
        Part number, x and y in pixels.

    Returns
    -------
    ndarray of shape (M,)
        Euclidean distances in pixels.

    Examples
    --------
    >>> errors_px(np.array([[0, 0, 1.0], [13, 14, 0.2]]), np.array([[1, 10.0, 10.0]]))
    array([5.])
    """
    return np.linalg.norm(pose[joints[:, 0].astype(int), :2] - joints[:, 1:], axis=1)


def draw_pose(frame: np.ndarray, joints: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Draw labels and predictions into a copy of an image, one colour per part.

    Parameters
    ----------
    frame : ndarray of shape (H, W, 3), uint8
        RGB.
    joints : ndarray of shape (M, 3)
        Part number, x and y in pixels; drawn as +.
    pose : ndarray of shape (K, 3)
        x, y in pixels and likelihood; drawn as a dot, below a likelihood of 0.1 as x.

    Returns
    -------
    ndarray of shape (H', W', 3), uint8
        RGB, the longer side at most 640 pixels.
    """
    hues = np.linspace(0, 180, len(pose), endpoint=False).astype(np.uint8)
    colors = cv2.cvtColor(np.stack([hues, *np.full((2, len(pose)), 255, np.uint8)], axis=-1)[None], cv2.COLOR_HSV2RGB)
    scale = min(1.0, PICTURE_SIDE / max(frame.shape[:2]))
    found = np.column_stack([np.arange(len(pose)), pose[:, :2]])
    picture, marks = rescale(frame, np.concatenate([joints, found]), scale)
    picture = picture.copy()
    height, width = picture.shape[:2]
    for number, (part, x, y) in enumerate(marks):
        if not (0 <= x < width and 0 <= y < height):  # or no number, when the training diverged
            continue
        color, center = colors[0, int(part)].tolist(), (round(x), round(y))
        if number < len(joints):
            cv2.drawMarker(picture, center, color, cv2.MARKER_CROSS, 13, 1)
        elif pose[int(part), 2] < UNSURE:
            cv2.drawMarker(picture, center, color, cv2.MARKER_TILTED_CROSS, 7, 1)
        else:
            cv2.circle(picture, center, 3, color, cv2.FILLED, cv2.LINE_AA)
    return picture
