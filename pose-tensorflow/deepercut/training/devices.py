"""Training on several devices at once: each gets an equal share of every batch, and all keep the same weights.

They may be in several machines (`backend.join_machines`), whose devices Keras then lists on each.

Imports TensorFlow where it is the backend, because Keras leaves the distribution there to it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras

from deepercut import DeepercutError
from deepercut.backend import machines, start_backend

log = logging.getLogger(__name__)


def choose_devices(wanted: int | None, batch_size: int) -> list[str]:
    """Decide which devices train.

    Parameters
    ----------
    wanted : int or None
        How many; None is as many of the GPUs in sight (CUDA_VISIBLE_DEVICES) as can share out a batch evenly.
    batch_size : int
        Images per iteration.

    Returns
    -------
    list of str
        Such as ``gpu:0`` and ``gpu:1``; the first CPU where there is no GPU.

    Raises
    ------
    DeepercutError
        When there are not as many as wanted, they cannot share out a batch evenly, or the backend is PyTorch, which
        trains on one device.
    """
    found = start_backend()
    found = [device for device in found if not device.startswith("cpu")] or found
    alone = keras.backend.backend() == "torch"
    if machines()[1] > 1:
        if wanted not in (None, len(found)):
            raise DeepercutError(
                f"devices is {wanted} in pose_cfg.yaml, but all {len(found)} of the machines train: leave it out"
            )
        wanted = len(found)
    if wanted is None:
        usable = 1 if alone or found[0].startswith("cpu") else len(found)
        count = next(number for number in range(usable, 0, -1) if batch_size % number == 0)
        if count < usable:
            log.info(
                "%d of %d GPUs train, because batch_size is %d; a multiple of %d would use all of them",
                *(count, usable, batch_size, usable),
            )
        return found[:count]
    if wanted > len(found):
        raise DeepercutError(f"devices is {wanted} in pose_cfg.yaml, but only {', '.join(found)} can be seen")
    if batch_size % wanted:
        raise DeepercutError(
            f"{wanted} devices cannot share out batches of {batch_size} evenly: set batch_size in pose_cfg.yaml to a "
            f"multiple of {wanted}, or devices to 1"
        )
    if alone and wanted > 1:
        raise DeepercutError("PyTorch trains on one device: set devices to 1, or KERAS_BACKEND to tensorflow or jax")
    return found[:wanted]


@contextmanager
def sharing(devices: Sequence[str]) -> Iterator[None]:
    """Let the networks that are built and trained in a ``with`` block share out their batches over devices.

    Parameters
    ----------
    devices : sequence of str
        From `choose_devices`; with a single one nothing is changed.
    """
    if len(devices) == 1:
        yield
    elif keras.backend.backend() == "jax":
        usual = keras.distribution.distribution()
        parallel = keras.distribution.DataParallel(devices=list(devices))
        parallel.auto_shard_dataset = False  # where there are several machines, TrainingBatches gives each its share
        keras.distribution.set_distribution(parallel)
        try:
            yield
        finally:
            keras.distribution.set_distribution(usual)
    else:
        import tensorflow as tf

        reduction = tf.distribute.HierarchicalCopyAllReduce() if devices[0].startswith("cpu") else None  # NCCL is GPUs'
        with tf.distribute.MirroredStrategy([f"/{device}" for device in devices], reduction).scope():
            yield
