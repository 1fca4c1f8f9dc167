"""From a training set's .mat to batches of images and targets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path

import keras
import numpy as np

from deepercut import DeepercutError
from deepercut.config import PoseConfig
from deepercut.data.augment import flip, mirror_partners, place, recolor, rescale, turn, turned_size
from deepercut.network.architecture import FEATURE_STRIDE
from deepercut.network.losses import mean_weights
from deepercut.network.targets import make_targets, make_weights
from dlc_common import UsersError
from dlc_common.culprits import in_short
from dlc_common.images import image_size, read_image
from dlc_common.scaling import scaled_size
from dlc_common.training_scales import TrainingScales
from dlc_common.training_set import LabeledImage, read_training_set

log = logging.getLogger(__name__)


CACHE_BYTES = 2 * 2**30
"""Memory for decoded images; beyond it, images are read again each time."""

THREADS = 4
"""Threads that make batches ahead of their use."""


@dataclass(frozen=True)
class TrainingImage:
    """One labeled image.

    Parameters
    ----------
    path : Path
        The image file.
    size : (height, width)
        In pixels, as the .mat tells.
    joints : ndarray of shape (M, 3)
        Part number from 0, x and y in pixels.
    """

    path: Path
    size: tuple[int, int]
    joints: np.ndarray

    @property
    def name(self) -> str:
        """``folder/image``, which tells the images of a project apart."""
        return f"{self.path.parent.name}/{self.path.name}"


def read_labeled(source: TrainingImage, read: Callable[[Path], np.ndarray] = read_image) -> np.ndarray:
    """Read an image whose labels are known.

    Parameters
    ----------
    source : TrainingImage
        From `load_dataset`.
    read : callable, optional
        In place of `read_image`.

    Returns
    -------
    ndarray of shape (H, W, 3), uint8
        RGB.

    Raises
    ------
    DeepercutError
        When the image has another size than the .mat tells, is missing or damaged.
    """
    image = read(source.path)
    if image.shape[:2] != source.size:
        raise DeepercutError(_other_size(source, (image.shape[0], image.shape[1])))
    return image


def load_dataset(config: PoseConfig) -> list[TrainingImage]:
    """Read the .mat that a configuration names and leave out images that do not fit its size limits.

    Parameters
    ----------
    config : PoseConfig
        `dataset` names the .mat; image paths in it are relative to the train folder.

    Returns
    -------
    list of TrainingImage
        In the order of the file; at least one.

    Raises
    ------
    DeepercutError
        When the file is missing or no such file, names a part beyond `num_joints` or an image that is gone, or when
        no image fits the limits; the sizes, and what to do, are in the message.
    """
    path = config.resolve_data(config.dataset)
    images = [_training_image(entry, path, config) for entry in read_training_set(path)]
    gone = [str(image.path) for image in images if not image.path.is_file()]
    if gone:
        raise DeepercutError(f"{len(gone)} images of {path.name} are gone: {in_short(gone)}. Run Step 4 again")
    _look_at(images, path)
    fitting = [image for image in images if scales_of(image.size, config) is not None]
    if message := TrainingScales.of(vars(config)).left_out([image.size for image in images]):
        if not fitting:
            raise DeepercutError(f"{path}: {message}")
        log.warning(message)
    return fitting


def _look_at(images: Sequence[TrainingImage], mat: Path) -> None:
    """Raise, before anything begins, when images cannot be opened or have another size than the .mat tells."""
    problems = []
    for image in images:
        try:
            width, height = image_size(image.path)
        except UsersError as error:
            problems.append(str(error))
            continue
        if (height, width) != image.size:
            problems.append(_other_size(image, (height, width)))
    if problems:
        raise DeepercutError(f"{mat} names images that cannot train: {in_short(problems, separator='; ')}")


def _other_size(image: TrainingImage, size: tuple[int, int]) -> str:
    """Say that an image, of this height and width, was another one when the training set was made."""
    return (
        f"{image.path} is {size[1]} x {size[0]} pixels, but was {image.size[1]} x {image.size[0]} when Step 4 made the "
        "training set: run Step 4 again"
    )


def _training_image(entry: LabeledImage, mat: Path, config: PoseConfig) -> TrainingImage:
    """Check one entry against the configuration and find its image."""
    path = config.resolve_data(entry.path)
    beyond = ~np.isin(entry.joints[:, 0], np.arange(config.num_joints))
    if beyond.any():
        raise DeepercutError(
            f"{mat} has part number {entry.joints[beyond][0, 0]:g} in {path.name}, but pose_cfg.yaml has num_joints "
            f"{config.num_joints}, so 0 to {config.num_joints - 1}: run Step 4 again for these body parts"
        )
    return TrainingImage(path, entry.size, entry.joints)


def scales_of(size: tuple[int, int], config: PoseConfig) -> tuple[float, float] | None:
    """Return the scales an image may get, or None when even the best does not fit the limits.

    Parameters
    ----------
    size : (height, width)
        Of the image, in pixels.
    config : PoseConfig
        `global_scale` times jitter, and `max_input_size`; see `TrainingScales.of_image`.

    Returns
    -------
    (float, float) or None
        Smallest and largest scale.
    """
    return TrainingScales.of(vars(config)).of_image(size)


def canvas_size(images: Sequence[TrainingImage], config: PoseConfig) -> tuple[int, int] | None:
    """Return the one size that all images are cropped or padded to, or None: each keeps its own (v1).

    Parameters
    ----------
    images : sequence of TrainingImage
        Of the training set.
    config : PoseConfig
        `crop_size`; with auto the canvas holds the median image at `global_scale`.

    Returns
    -------
    (height, width) or None
        In pixels, multiples of 16.
    """
    if config.crop_size is None:
        return None
    if isinstance(config.crop_size, str):  # auto
        height, width = np.median([image.size for image in images], axis=0) * config.global_scale
    else:
        width, height = config.crop_size
    return _padded(height), _padded(width)


def _padded(size: float) -> int:
    """Round up to what the network's features need."""
    return int(-(-size // FEATURE_STRIDE) * FEATURE_STRIDE)


def _other_side(least: int, *taken: int) -> int:
    """Return the smallest side, from one on, that is not taken."""
    return next(side for side in count(least, FEATURE_STRIDE) if side not in taken)


class TrainingBatches(keras.utils.PyDataset):
    """Batches of images and targets; batch i depends on the seed and i alone, so a training resumes exactly.

    Parameters
    ----------
    images : sequence of TrainingImage
        What to train on.
    config : PoseConfig
        Scale, augmentation and target settings.
    seed : int
        Of order and augmentation.
    start, stop : int
        Iterations to give, `stop` not included.
    threads : int, optional
        How many make batches ahead of their use; with 1 the backend does it.
    share : (int, int), optional
        Which part of every batch to give, from 0, and of how many equal parts.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        config: PoseConfig,
        seed: int,
        start: int,
        stop: int,
        threads: int = THREADS,
        share: tuple[int, int] = (0, 1),
    ):
        super().__init__(workers=threads, max_queue_size=8)
        number, shares = share
        self.part = slice(*(config.batch_size * at // shares for at in (number, number + 1)))
        self.images, self.config, self.seed, self.start, self.stop = images, config, seed, start, stop
        self.error: UsersError | None = None
        self.canvas = canvas_size(images, config)
        self.partners = mirror_partners(config)
        extremes = ((image.size, scale) for image in images for scale in self._scales(image))
        sizes = {self.canvas or scaled_size(size, scale) for size, scale in extremes}
        self.one_size = len(sizes) == 1 and (self.canvas is not None or not config.rotation)
        cached = max(1, CACHE_BYTES // max(3 * image.size[0] * image.size[1] for image in images))
        self._read = lru_cache(maxsize=cached)(read_image)
        self._order = lru_cache(maxsize=2)(self._draw_order)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        try:
            return self._batch(self.start + index)
        except UsersError as error:
            self.error = error  # backends wrap what the data raises
            raise

    def _batch(self, iteration: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return images (B, H, W, 3) float32 and, for each output, targets with their weights behind them.

        The weights count what is in the whole batch, of which a part may be given.
        """
        samples = [self._sample(position) for position in self._positions(iteration)]
        shape = self._shape(iteration)
        targets = [self._targets(image.shape[:2], joints, scale, shape) for image, joints, scale in samples]
        batch = np.stack([_pad(image, shape, self.config.mean_pixel) for image, _, _ in samples])
        stacked = {name: _stack([target[name] for target in targets]) for name in targets[0]}
        return batch[self.part], {name: values[self.part] for name, values in stacked.items()}

    def paths(self, iteration: int) -> list[Path]:
        """Return the image files of one iteration."""
        return [self._image(position).path for position in self._positions(iteration)]

    def _positions(self, iteration: int) -> range:
        """Return which draws since the start of training make this batch."""
        size = self.config.batch_size
        return range(iteration * size, (iteration + 1) * size)

    def _draw_order(self, epoch: int) -> np.ndarray:
        """Return the order of the images in one pass over them."""
        numbers = np.arange(len(self.images))
        return np.random.default_rng([self.seed, 0, epoch]).permutation(numbers) if self.config.shuffle else numbers

    def _image(self, position: int) -> TrainingImage:
        """Return the image of one draw."""
        epoch, place_in_epoch = divmod(position, len(self.images))
        return self.images[self._order(epoch)[place_in_epoch]]

    def _draw(self, position: int) -> tuple[np.random.Generator, float, float]:
        """Return what draws all changes of one image, and those that decide its size: its scale, and its angle.

        Where all images get one size, `place` draws the angle.
        """
        rng, most = np.random.default_rng([self.seed, 1, position]), 0.0 if self.canvas else self.config.rotation
        return rng, rng.uniform(*self._scales(self._image(position))), rng.uniform(-most, most) if most else 0.0

    def _scales(self, image: TrainingImage) -> tuple[float, float]:
        """Return the smallest and the largest scale that an image may get."""
        scales = scales_of(image.size, self.config)
        assert scales is not None  # `load_dataset` leaves out the others
        return scales

    def _sample(self, position: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Return an augmented image, its joints and its scale."""
        source, config = self._image(position), self.config
        rng, scale, angle = self._draw(position)
        image = read_labeled(source, self._read)
        image, joints = rescale(image, source.joints, scale)
        if config.mirror and rng.random() < 0.5:
            image, joints = flip(image, joints, self.partners)
        if self.canvas:
            image, joints = place(image, joints, config, self.canvas, rng)
        elif angle:
            image, joints = turn(image, joints, angle, config.mean_pixel)
        return recolor(image, config, rng), joints, scale

    def _shape(self, iteration: int) -> tuple[int, int]:
        """Return a size that holds all images of a batch.

        Where sizes vary, in odd iterations neither side is that of the batch before or after: Keras takes a side on
        which the first two batches agree for one that never changes.
        """
        if self.one_size or iteration % 2 == 0:
            return self.canvas or self._smallest_shape(iteration)
        shapes = map(self._smallest_shape, (iteration, iteration - 1, iteration + 1))
        heights, widths = zip(*shapes, strict=True)
        return _other_side(*heights), _other_side(*widths)

    def _smallest_shape(self, iteration: int) -> tuple[int, int]:
        """Return the least size that holds all images of a batch, without reading them."""
        sizes = []
        for position in self._positions(iteration):
            _, scale, angle = self._draw(position)
            sizes.append(turned_size(scaled_size(self._image(position).size, scale), angle))
        height, width = map(max, zip(*sizes, strict=True))
        return (_padded(height), _padded(width)) if self.config.pads() else (height, width)

    def _targets(
        self, size: tuple[int, int], joints: np.ndarray, scale: float, shape: tuple[int, int]
    ) -> dict[str, np.ndarray]:
        """Return for each output what is wanted and, behind it along the last axis, how much it counts."""
        config = self.config
        scores, locref, mask = make_targets(
            joints, shape, scale, config.pos_dist_thresh, config.locref_stdev, config.num_joints
        )
        counted = _padded(size[0]), _padded(size[1])  # v1's mean is over all cells of the image's own map
        only_present = config.weigh_part_predictions and config.weigh_only_present_joints
        weights = make_weights(joints, shape, counted, config.num_joints, only_present)
        targets = {"part_pred": np.concatenate([scores, weights], axis=-1)}
        if config.location_refinement:
            targets["locref_pred"] = np.concatenate([locref, mask], axis=-1)
        if config.intermediate_supervision:
            targets["part_pred_interm"] = targets["part_pred"]
        return targets


def _stack(targets: Sequence[np.ndarray]) -> np.ndarray:
    """Gather the targets of a batch, with weights behind them that make the loss a mean over all of it."""
    values, weights = np.split(np.stack(targets), 2, axis=-1)
    return np.concatenate([values, mean_weights(weights)], axis=-1)


def _pad(image: np.ndarray, shape: tuple[int, int], mean_pixel: Sequence[float]) -> np.ndarray:
    """Fill up at the bottom and right with the mean pixel."""
    padded = np.empty((*shape, 3), np.float32)
    padded[:] = mean_pixel
    padded[: image.shape[0], : image.shape[1]] = image
    return padded
