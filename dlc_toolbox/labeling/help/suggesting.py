"""Machine labels for the images that are not labeled yet, and which of these to label next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from dlc_common.images import image_size, read_image
from dlc_toolbox import ToolboxError
from dlc_toolbox.labels.machine import write_machine_labels
from dlc_toolbox.labels.plausible import outside_image
from dlc_toolbox.labels.provenance import NOT_VISIBLE, ImageNotes
from dlc_toolbox.labels.sources import images_to_label
from dlc_toolbox.project.layout import image_folders
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import points

Predict = Callable[[np.ndarray], np.ndarray]
"""From frames, uint8 (1, H, W, 3), to poses, float32 (1, K, 3): x and y in pixels, likelihood."""

_THUMBNAIL = (16, 16)
_LEAST_DOUBT = 0.01


@dataclass(frozen=True)
class Images:
    """The images of one folder, and what of them is to be labeled still.

    Parameters
    ----------
    folder : Path
        The folder.
    paths : sequence of Path
        N images in numeric order.
    is_open : ndarray of shape (N, K)
        bool; the body parts without a label that nobody called not visible, in images that nobody left out.
    """

    folder: Path
    paths: Sequence[Path]
    is_open: np.ndarray

    @property
    def wanted(self) -> np.ndarray:
        """Positions of the images with an open body part."""
        return np.flatnonzero(self.is_open.any(axis=1))


def find_open_images(
    data_folder: Path, settings: Settings, table: pd.DataFrame | None, notes: dict[str, ImageNotes]
) -> list[Images]:
    """Find the images without labels, or without some.

    Parameters
    ----------
    data_folder : Path
        Folder with one sub-folder per video.
    settings : Settings
        Body parts and kind of images.
    table : DataFrame or None
        Labels, as `labels.read_labels` returns them; None: there are none.
    notes : dict of str to ImageNotes
        As `provenance.read_notes` returns them.

    Returns
    -------
    list of Images
        Of each folder that holds images.

    Raises
    ------
    ToolboxError
        When the table has other body parts.
    """
    labeled = {} if table is None else dict(zip(table.index, _is_labeled(table, settings), strict=True))
    found = []
    for folder in image_folders(data_folder):
        paths = images_to_label(folder, settings, settings.scorer)
        is_open = np.ones((len(paths), len(settings.bodyparts)), dtype=bool)
        for n, path in enumerate(paths):
            row = f"{folder.name}/{path.name}"
            is_open[n] = ~labeled.get(row, np.False_) & ~_is_settled(notes.get(row), settings.bodyparts)
        if paths:
            found.append(Images(folder, paths, is_open))
    return found


def suggest_labels(
    images: Sequence[Images],
    bodyparts: Sequence[str],
    network: str,
    predict: Predict,
    tell: Callable[[int, int], None],
) -> int:
    """Write machine labels of all images with an open body part, and in which order to label them.

    Parameters
    ----------
    images : sequence of Images
        As `find_open_images` returns them. A folder without open images keeps the machine labels that it has.
    bodyparts : sequence of str
        K names, in the order of the poses.
    network : str
        Whose labels they are.
    predict : callable
        See `Predict`.
    tell : callable
        ``tell(done, total)`` is called after each image.

    Returns
    -------
    int
        How many images have machine labels now.

    Raises
    ------
    ToolboxError
        When an image is damaged, or the network's answer is no finite number; then nothing was written.
    """
    wanted = [(of_folder, n) for of_folder in images for n in of_folder.wanted]
    poses, looks = np.empty((len(wanted), len(bodyparts), 3)), np.empty((len(wanted), np.prod(_THUMBNAIL)))
    for at, (of_folder, n) in enumerate(wanted):
        image = read_image(of_folder.paths[n])
        poses[at], looks[at] = predict(image[None])[0], thumbnail(image)
        if not np.isfinite(poses[at]).all():
            raise ToolboxError(
                f"the network {network} finds no finite position in {of_folder.paths[n]}: train it again"
            )
        tell(at + 1, len(wanted))
    known = [path for of_folder in images for path in np.delete(np.array(of_folder.paths, object), of_folder.wanted)]
    is_open = np.array([of_folder.is_open[n] for of_folder, n in wanted]).reshape(len(wanted), len(bodyparts))
    ranks = rank_images(
        doubts(poses[..., 2], is_open), looks, np.array([thumbnail(read_image(path)) for path in known])
    )
    at = 0
    for of_folder in images:
        chosen = slice(at, at := at + len(of_folder.wanted))
        if len(of_folder.wanted):
            _write(of_folder, bodyparts, network, poses[chosen], ranks[chosen])
    return len(wanted)


def doubts(likelihoods: np.ndarray, is_open: np.ndarray) -> np.ndarray:
    """Return how unsure a network is of the open body parts of images, between 0 and 1.

    Parameters
    ----------
    likelihoods, is_open : ndarray of shape (N, K)
        Each image has an open body part.

    Returns
    -------
    ndarray of shape (N,)
        1 less the mean likelihood.

    Examples
    --------
    >>> doubts(np.array([[0.5, 0.9]]), np.array([[True, False]])).tolist()
    [0.5]
    """
    return 1 - (likelihoods * is_open).sum(axis=1) / np.maximum(is_open.sum(axis=1), 1)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Return what an image looks like from afar, as 256 gray values between 0 and 1 whose mean is taken off."""
    gray = cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA).mean(axis=2) / 255
    return (gray - gray.mean()).ravel()


def rank_images(doubt: np.ndarray, looks: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rank images by how much there is to be learned from their labels.

    One after the other, that image comes next whose doubt, multiplied with its distance from the nearest image that is
    labeled or came before, is the largest.

    Parameters
    ----------
    doubt : ndarray of shape (N,)
        Between 0 and 1.
    looks : ndarray of shape (N, D)
        What they look like.
    known : ndarray of shape (M, D)
        The same of the images that are labeled; M may be 0.

    Returns
    -------
    ndarray of shape (N,)
        Above 0, up to 1: the first to be labeled has 1.

    Examples
    --------
    >>> looks = np.array([[0.0], [0.1], [5.0]])
    >>> rank_images(np.array([0.9, 0.8, 0.5]), looks, np.array([[1.0]])).round(2).tolist()
    [0.67, 0.33, 1.0]
    """
    doubt, ranks = np.maximum(doubt, _LEAST_DOUBT), np.zeros(len(doubt))
    distance = np.full(len(doubt), np.inf)
    for look in known:
        distance = np.minimum(distance, np.linalg.norm(looks - look, axis=1))
    left = np.ones(len(doubt), dtype=bool)
    for place in range(len(doubt)):
        worth = doubt * np.where(np.isinf(distance), 1.0, distance)
        first = int(np.argmax(np.where(left, worth, -1.0)))
        ranks[first], left[first] = 1 - place / len(doubt), False
        distance = np.minimum(distance, np.linalg.norm(looks - looks[first], axis=1))
    return ranks


def _write(images: Images, bodyparts: Sequence[str], network: str, poses: np.ndarray, ranks: np.ndarray) -> None:
    """Write the machine labels of one folder; what lies outside the image is none, but has a likelihood."""
    found = np.full((len(images.paths), len(bodyparts), 3), np.nan)
    found[images.wanted] = poses
    labels, likelihoods = found[..., :2], found[..., 2]
    labels[outside_image(labels, np.array([image_size(path) for path in images.paths]))] = np.nan
    names = [path.name for path in images.paths]
    ranked = {names[n]: float(rank) for n, rank in zip(images.wanted, ranks, strict=True)}
    write_machine_labels(images.folder, names, bodyparts, labels, likelihoods, network, ranked)


def _is_labeled(table: pd.DataFrame, settings: Settings) -> np.ndarray:
    """Tell which body parts of a table's images have a label, (N, K)."""
    return np.isfinite(points(table, settings.bodyparts)[..., :2]).all(axis=2)


def _is_settled(notes: ImageNotes | None, bodyparts: Sequence[str]) -> np.ndarray:
    """Tell which body parts of an image nobody will label, (K,)."""
    if notes is None:
        return np.zeros(len(bodyparts), dtype=bool)
    return np.array([notes.left_out or notes.states.get(part) == NOT_VISIBLE for part in bodyparts])
