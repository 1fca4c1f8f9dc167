"""Train a network: start or resume, fit, keep snapshots and the learning curve."""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import ops

from deepercut import DeepercutError
from deepercut.backend import is_out_of_memory, machines, quick_precision
from deepercut.config import PoseConfig
from deepercut.data.dataset import THREADS, TrainingBatches, TrainingImage, load_dataset
from deepercut.network.architecture import weight_shapes
from deepercut.network.losses import losses_of
from deepercut.network.posenet import build_posenet
from deepercut.training.callbacks import LearningStatistics, Snapshots, StopOnInterrupt, StopOnNonFinite, Tell
from deepercut.training.devices import choose_devices, sharing
from deepercut.training.heads import train_heads
from deepercut.training.optimizers import make_optimizer
from deepercut.training.remarks import remark
from deepercut.training.stopping import StopWhenStalled, in_words, warn_of_patience, why_finished
from deepercut.training.validation import Validation, hold_out
from deepercut.weights.checkpoints import check_same_network, fill, read_weights, resolve_weights
from deepercut.weights.keeping import newest_sound, set_aside, tidy
from deepercut.weights.snapshots import HELD_OUT, list_snapshots, read_trained, snapshot_path, state_path
from deepercut.weights.state import changed_versions, exact_weights, read_state, restore, sums_in

log = logging.getLogger(__name__)


def train(config: PoseConfig, *, resume: bool = False, tell: Tell | None = None) -> Path:
    """Train the network of a configuration up to its last iteration.

    Parameters
    ----------
    config : PoseConfig
        Its folder gets the snapshots, learning_stats.csv and learning_curve.png.
    resume : bool
        Go on from the newest snapshot of the folder that is not damaged. The run is then the one that would have been.
    tell : callable, optional
        ``tell(iteration, last iteration)`` is called after each iteration, instead of a progress bar.

    Returns
    -------
    Path
        The last snapshot. One that has all iterations already, or after which `patience` ended the training, is left
        as it is.

    Raises
    ------
    DeepercutError
        When the training set or the weights do not fit the configuration, when the folder holds snapshots that would
        be mixed up with new ones, or when loss (the image is named) or weights are not finite.
    KeyboardInterrupt
        After Ctrl-C, SIGTERM or a closed terminal, with a snapshot of the last completed iteration written.
    """
    if config.ignored:
        log.info("These keys of pose_cfg.yaml change nothing here: %s", ", ".join(config.ignored))
    images = load_dataset(config)
    weights, start = starting_point(config, resume)
    folder, prefix = config.snapshot_place
    if reason := why_finished(config, start):
        wanted = weight_shapes(config.depth, config.num_joints, config.location_refinement)
        check_same_network(wanted, read_weights(weights), weights)  # nothing else would see that it is damaged
        log.info("%s: %s", weights, reason)
        if not machines()[0]:
            tidy(folder, prefix, config.max_snapshots)
        return weights
    state = read_state(state_path(folder, start, prefix)) if start else {}
    if changed := changed_versions(state):
        log.warning("The snapshot was written with other versions, so bits may differ: %s", "; ".join(changed))
    config = _of_the_run(config, state)
    with _outputs(config) as config:
        _make_folders(config)
        return _train(config, images, weights, state, start, tell)


def _train(
    config: PoseConfig,
    images: list[TrainingImage],
    weights: Path,
    state: dict[str, np.ndarray],
    start: int,
    tell: Tell | None = None,
) -> Path:
    """Train from the weights and the state of an iteration on; return the last snapshot."""
    stop = config.iterations
    assert config.seed is not None  # see `_of_the_run`
    devices = choose_devices(config.devices, config.batch_size)
    kept = state[HELD_OUT].tolist() if HELD_OUT in state else None
    training, held_out = hold_out(images, config.validation_fraction, config.seed, kept)
    _check_held_out(training, held_out, kept or ())
    # On several devices Keras looks at a batch before it trains, which threads that work ahead would count as done.
    threads = THREADS if len(devices) == 1 else 1
    batches = TrainingBatches(training, config, config.seed, start, stop, threads, share=machines())
    keras.utils.set_random_seed(config.seed)
    with sharing(devices):
        network, trainee = _networks(config, weights, state, batches, quiet=tell is not None)
        log.info("Training on %d images, seed %d, iterations %d to %d", len(training), config.seed, start + 1, stop)
        if config.validation_fraction:
            log.info("Held out of it, to measure the error (validation_fraction): %d", len(held_out))
        if len(devices) > 1:
            log.info("Each batch is shared out over %s", ", ".join(devices))
        remark(config)
        warn_of_patience(config, held_out)
        held_out_names = kept or [image.name for image in held_out]
        snapshots = Snapshots(network, config, start, held_out_names, _trained_on(training, weights, start))
        validation = Validation(network, config.locref_stdev, training, held_out, copies=len(devices))
        statistics = LearningStatistics(config, start, stop, validation, tell, sums_in(state))
        stalled = StopWhenStalled(statistics, config.patience)
        with StopOnInterrupt() as interrupt:
            with statistics:
                _fit(trainee, batches, [StopOnNonFinite(batches), statistics, snapshots, stalled, interrupt])
            if interrupt.noted or stalled.noted:
                snapshots.save()
    if interrupt.noted:
        raise KeyboardInterrupt
    for sentence in in_words(statistics.errors, config.patience):
        log.info(sentence)
    folder, prefix = config.snapshot_place
    return snapshot_path(folder, snapshots.saved if stalled.noted else stop, prefix)


def _check_held_out(training: list[TrainingImage], held_out: list[TrainingImage], kept: Sequence[str]) -> None:
    """Say where images that a resumed run holds out are not there now; raise where no others are left to train."""
    if len(held_out) < len(kept):
        log.warning(
            "%d of the %d images that measure the error of this run are left out now: its errors so far cannot be "
            "compared with those to come",
            *(len(kept) - len(held_out), len(kept)),
        )
    if not training:
        raise DeepercutError(
            "all images that are left of the training set measure the error of this run, and none can train it: set "
            "global_scale and max_input_size as they were"
        )


def _trained_on(training: list[TrainingImage], weights: Path, start: int) -> list[str]:
    """Name the images that train a network, and those that trained what it starts from, of which a new run warns."""
    now, before = {image.name for image in training}, set(read_trained(weights))
    if start == 0 and before - now:
        log.warning(
            "%s was trained on %d images that do not train this network. Where they are held out or test it, they are "
            "not new to it, and its error there is too small; the evaluation says how many test images they are",
            *(weights, len(before - now)),
        )
    return sorted(before | now)


def _networks(
    config: PoseConfig, weights: Path, state: dict[str, np.ndarray], batches: TrainingBatches, *, quiet: bool
) -> tuple[keras.Model, keras.Model]:
    """Return the network with its first weights, and the model that trains it with its optimizer where it was."""
    network = network_of(config)
    filled = fill(network, read_weights(weights) | exact_weights(state), weights)
    heads = [name for name in network.output if name not in filled]
    log.info("Weights: %s%s", weights, f"; {', '.join(heads)} start at random" if heads else "")
    if config.padding is None and weights.suffix == ".index" and not heads:
        log.info(
            "They are DeepLabCut's, which does not pad images as this training does; padding: none in pose_cfg.yaml "
            "goes on as DeepLabCut"
        )
    if heads and config.heads_iters and machines()[1] > 1:
        log.warning("heads_iters is left out: on several machines, the heads do not learn first")
    elif heads and config.heads_iters:
        train_heads(network, config, batches, quiet=quiet)
    trainee = compiled(network, config)
    restore(trainee.optimizer, state, batches.start)
    return network, trainee


def network_of(config: PoseConfig) -> keras.Model:
    """Build the network that a configuration describes, with random weights; they are float32 at any `precision`.

    The first `frozen_blocks` blocks of its ResNet, and all before them, are not to be trained.
    """
    precision = config.precision
    if precision == "auto":
        precision = quick_precision()
        log.info("Precision: %s, which is what this machine is quickest in", precision)
    network = build_posenet(
        config.depth,
        config.num_joints,
        config.mean_pixel,
        config.location_refinement,
        config.intermediate_layer,
        precision,
        padding=config.pads(),
    )
    frozen = tuple(f"block{number}_" for number in range(1, config.frozen_blocks + 1))
    for layer in network.layers if frozen else ():
        layer.trainable = not layer.name.startswith(("conv1", *frozen))
    return network


def starting_point(config: PoseConfig, resume: bool) -> tuple[Path, int]:
    """Choose the weights to start from, and the iterations that they have.

    Parameters
    ----------
    config : PoseConfig
        `init_weights` naming a snapshot of the same train folder means to resume from it (v1's habit).
    resume : bool
        Go on from the newest snapshot.

    Returns
    -------
    (Path, int)
        A file of weights and its iteration, 0 for weights of elsewhere.

    Raises
    ------
    DeepercutError
        When there is nothing to resume, or a start at 0 would mix with the folder's snapshots.
    """
    folder, prefix = config.snapshot_place
    own = {snapshot.path: snapshot.iteration for snapshot in list_snapshots(folder, prefix)}
    if resume:
        if not own:
            led = "" if folder == config.folder else " (snapshot_prefix in pose_cfg.yaml leads there)"
            raise DeepercutError(f"{folder}{led} holds no snapshot to resume from: start without --resume")
        return _newest_sound(config)
    if not config.init_weights:
        raise DeepercutError(
            f"init_weights is missing in pose_cfg.yaml of {config.folder}: name the weights to start from"
        )
    weights = resolve_weights(config.resolve(config.init_weights))
    newest = list(own)[-1].name if own else ""
    if weights in own and weights.name != newest:
        raise DeepercutError(
            f"init_weights names {weights.name}, but {folder} holds later snapshots (up to {newest}), and two runs "
            "would be mixed: move the later ones away, or use --resume"
        )
    if weights in own:
        return weights, own[weights]
    if own:
        raise DeepercutError(
            f"{folder} holds {len(own)} snapshots already (last: {newest}). Go on with --resume; for a new training, "
            "move them away or let Step 4 make another shuffle"
        )
    return weights, 0


def _newest_sound(config: PoseConfig) -> tuple[Path, int]:
    """Return the newest snapshot that is not damaged, and rename later ones, so that they are not taken for sound."""
    folder, prefix = config.snapshot_place
    found, damaged = newest_sound(list_snapshots(folder, prefix), config.iterations, prefix)
    if found is None:
        reasons = "; ".join(damaged.values())
        raise DeepercutError(
            f"no snapshot in {folder} is whole: {reasons}. Or, to start anew, move all away and leave out --resume"
        )
    for snapshot, reason in damaged.items():
        log.warning("%s", reason)
        aside = "" if machines()[0] else f" It is kept as {set_aside(snapshot, prefix).name}; delete it if you like."
        log.warning("The training goes on from iteration %d, not %d.%s", found.iteration, snapshot.iteration, aside)
    return found.path, found.iteration


def compiled(network: keras.Model, config: PoseConfig) -> keras.Model:
    """Give a network its optimizer and losses; the targets carry their weights behind them (see TrainingBatches).

    Parameters
    ----------
    network : keras.Model
        From `network_of`; it stays free of the optimizer, so that its weights are saved alone.
    config : PoseConfig
        Optimizer, learning rate and loss settings.

    Returns
    -------
    keras.Model
        Shares all layers with `network` and is ready for `fit`.
    """
    optimizer = make_optimizer(config)
    optimizer.build(network.trainable_variables)

    losses, weights = losses_of(network.output, config.locref_loss_weight, config.locref_huber_loss)
    trainee = keras.Model(network.input, network.output)
    # XLA compiles anew for every image size, and on a CPU its convolutions are slower than oneDNN's; JAX has no other.
    jit_compile = keras.backend.backend() == "jax"
    if jit_compile and config.crop_size is None:
        log.warning("JAX compiles anew for every size of image, which takes long: set crop_size: auto in pose_cfg.yaml")
    trainee.compile(optimizer, loss=losses, loss_weights=weights, jit_compile=jit_compile)
    # Otherwise `fit` builds the losses with the first batch, and on JAX and PyTorch goes on with the second.
    maps = {name: ops.zeros((1, 2, 2, output.shape[-1])) for name, output in network.output.items()}
    trainee.compute_loss(
        y={name: ops.concatenate([zeros, zeros], axis=-1) for name, zeros in maps.items()}, y_pred=maps
    )
    return trainee


def _of_the_run(config: PoseConfig, state: dict[str, np.ndarray]) -> PoseConfig:
    """Return the configuration with the seed and the held-out share that the run began with; a new run gets a seed."""
    for name in [name for name in ("seed", "validation_fraction") if name in state]:
        wanted, kept = getattr(config, name), state[name].item()
        if wanted not in (None, kept):
            log.warning("%s %s of the resumed run is kept, not %s", name, kept, wanted)
        config = replace(config, **{name: kept})
    if config.patience and machines()[1] > 1:
        raise DeepercutError("patience ends a training on one machine only: leave it out where several train together")
    if config.seed is None and machines()[1] > 1:
        raise DeepercutError("set seed in pose_cfg.yaml: machines that train together must draw the same")
    return config if config.seed is not None else replace(config, seed=secrets.randbelow(2**31))


@contextmanager
def _outputs(config: PoseConfig) -> Iterator[PoseConfig]:
    """Let one machine of several write; what the others write goes to a folder that ends with them.

    All must do the same, because they compute together: measure the error at the same iterations, for one.
    """
    if machines()[0] == 0:
        yield config
        return
    with tempfile.TemporaryDirectory() as folder:
        yield replace(
            config,
            snapshot_prefix=str(Path(folder) / "snapshot"),
            log_dir=folder,
            save_iters=config.iterations,
            validation_iters=config.validation_iters or config.save_iters,
        )


def _make_folders(config: PoseConfig) -> None:
    """Make the folders that get the outputs, and see that they can be written to, before any work."""
    for key, folder in (("snapshot_prefix", config.snapshot_place[0]), ("log_dir", config.resolve(config.log_dir))):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise DeepercutError(
                f"{key} in pose_cfg.yaml is {getattr(config, key)!r}, but {folder} cannot be a folder to write to: "
                f"{error.strerror}"
            ) from error


def _fit(trainee: keras.Model, batches: TrainingBatches, callbacks: list[keras.callbacks.Callback]) -> None:
    """Train on all batches."""
    try:
        trainee.fit(batches, shuffle=False, verbose=0, callbacks=callbacks)  # batches come in random order already
    except Exception as error:
        _explain(error, batches)
        raise


def _explain(error: Exception, batches: TrainingBatches) -> None:
    """Raise what the user can act on, where that is behind what the backend raised."""
    if batches.error is not None:
        raise batches.error from error
    if isinstance(error, OSError):
        raise DeepercutError(
            f"{batches.config.folder} could not be written to: {error.strerror or error}. Free disk space or allow "
            "writing there, then go on with --resume"
        ) from error
    if is_out_of_memory(error):
        raise DeepercutError(
            "the device is out of memory: lower batch_size, global_scale, scale_jitter_up, max_input_size or crop_size "
            "in pose_cfg.yaml, or close other programs that use it"
        ) from error
