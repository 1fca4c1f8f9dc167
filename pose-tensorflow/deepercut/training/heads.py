"""New heads learn first, alone, from what the ResNet makes of the images before it is trained: computed only once.

While they are random, they would teach the ResNet nothing but noise, and the optimizer would remember its size.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import keras
import numpy as np

from deepercut.config import PoseConfig
from deepercut.data.dataset import TrainingBatches
from deepercut.network.losses import losses_of
from deepercut.training.optimizers import Adam
from dlc_common.progress import tqdm

log = logging.getLogger(__name__)

RATE = 3e-4
"""Learning rate at first; it falls to 0 as a cosine. Of 0.0003, 0.001 and 0.003 the lowest generalized best."""

RAREST = 1e-4
"""Least share of its map's cells that a part is taken to have."""

MOST_BYTES = 2**30
"""Memory for what the ResNet makes of the images; of more images, those that come first teach the heads."""

MOST_PER_ITERATION = 2
"""Updates for each iteration of the training, at most: a training of a few, to see that all works, is soon done."""

Stored = tuple[np.ndarray, dict[str, np.ndarray]]
"""Of a batch: the input of the heads, float32 (B, R / 2, C / 2, F), and what they shall answer, by their names."""


def train_heads(network: keras.Model, config: PoseConfig, batches: TrainingBatches, *, quiet: bool = False) -> None:
    """Train the heads on the last block, and nothing else, for `heads_iters` updates, or two an iteration if fewer.

    Whatever they were, they begin with the answer that is best without a look at the image: the share of positive cells
    of each part as its likelihood, and no refinement.

    Parameters
    ----------
    network : keras.Model
        From `network_of`, its ResNet filled. A head on an earlier block stays as it is.
    config : PoseConfig
        `heads_iters`, how many iterations the training has, and the losses.
    batches : TrainingBatches
        From iteration 0 on; those of the first pass over the images come again and again.
    quiet : bool, optional
        Show no progress.

    References
    ----------
    Kumar et al. 2022, arXiv 2202.10054, section 4: linear probing, then fine-tuning.
    """
    jit_compile = keras.backend.backend() == "jax"
    features = network.get_layer("part_pred").input
    names = [name for name in network.output if network.get_layer(name).input is features]
    resnet = keras.Model(network.input, features)
    resnet.compile(jit_compile=jit_compile)
    updates = min(config.heads_iters, MOST_PER_ITERATION * config.iterations)
    stored = list(_look_once(resnet, batches, names))
    log.info("The heads learn first, alone: %d updates on %d images", updates, sum(len(x) for x, _ in stored))
    for name in names:
        kernel, bias = network.get_layer(name).weights
        kernel.assign(np.zeros(kernel.shape))
        bias.assign(np.zeros(bias.shape) if name == "locref_pred" else _logits(targets[name] for _, targets in stored))
    inputs = keras.Input(features.shape[1:])
    heads = keras.Model(inputs, {n: network.get_layer(f"{n}_crop")(network.get_layer(n)(inputs)) for n in names})
    losses, weights = losses_of(names, config.locref_loss_weight, config.locref_huber_loss)
    rate = keras.optimizers.schedules.CosineDecay(RATE, updates)
    heads.compile(Adam(rate), loss=losses, loss_weights=weights, jit_compile=jit_compile)
    rng = np.random.default_rng([batches.seed, 3])
    for update in tqdm(range(updates), unit="it", dynamic_ncols=True, desc="Heads", disable=quiet):
        if update % len(stored) == 0:
            order = rng.permutation(len(stored))
        heads.train_on_batch(*stored[order[update % len(stored)]])


def _look_once(resnet: keras.Model, batches: TrainingBatches, names: list[str]) -> Iterator[Stored]:
    """Yield what a ResNet makes of each batch in the first pass over the images, as far as memory allows."""
    room = MOST_BYTES
    for index in range(min(len(batches), -(-len(batches.images) // batches.config.batch_size))):
        images, targets = batches[index]
        features = resnet.predict_on_batch(images)[: len(images)].astype(np.float32)  # several devices repeat them
        room -= features.nbytes
        if index and room < 0:
            return
        yield features, {name: targets[name] for name in names}


def _logits(targets: Iterable[np.ndarray]) -> np.ndarray:
    """Return for each part the logit of its share of the cells that count; `targets` (B, R, C, 2 K) as of batches."""
    wanted, counts = np.split(sum(each.reshape(-1, each.shape[-1]).astype("bool").sum(axis=0) for each in targets), 2)
    share = np.clip(wanted / np.maximum(counts, 1), RAREST, 0.5)
    return np.log(share / (1 - share))
