"""What an evaluation tells about trust in a network: expected errors, what to label again, how far people agree."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dlc_common import UsersError
from dlc_common.fingerprints import fingerprint
from dlc_toolbox.evaluation.results import Evaluation
from dlc_toolbox.measure.confidence import FEWEST_ABOVE, Calibration, fit_calibration, held_out, recommended_pcutoff
from dlc_toolbox.measure.judging import coverage, doubtful_labels, steps_to_training
from dlc_toolbox.measure.metrics import AUTO, Cutoff, euclidean_errors, recommended_in_words
from dlc_toolbox.measure.posture import Postures, fit_postures
from dlc_toolbox.measure.views import Plane, fit_planes
from dlc_toolbox.poses.trust import CONFIDENCE, STEPS, Looked, Trust, calibration_file, cutoffs_of, write_calibration
from dlc_toolbox.project.layout import confidence_table
from dlc_toolbox.project.settings import Settings
from dlc_toolbox.project.tables import make_table, points, read_table, write_table

log = logging.getLogger(__name__)

_NEAR = 1  # number of the neighbouring image


@dataclass(frozen=True)
class Judgment:
    """What an evaluation tells about trust in one network.

    Parameters
    ----------
    evaluation : Evaluation
        Labels and poses of N images.
    trust : Trust
        What was learned for other images, in the evaluation's order of body parts.
    expected_px, radius90_px : ndarray of shape (N, K)
        Of each pose of a test image, learned from the other test images; NaN elsewhere.
    unknown_views : tuple of str
        Why the plane of each pair of views is not known, where it is not.
    """

    evaluation: Evaluation
    trust: Trust
    expected_px: np.ndarray
    radius90_px: np.ndarray
    unknown_views: tuple[str, ...] = ()

    @property
    def is_test(self) -> np.ndarray:
        """Images that did not train the network, (N,) bool."""
        return ~self.evaluation.is_train

    @property
    def coverage(self) -> float:
        """Share of the labels of test images that lie within the radius of 90 % learned from the others.

        As all that is learned of errors, of labels that were placed by hand: one that a network suggested, and a person
        accepted as it was, lies where networks find it.
        """
        return coverage(self.evaluation.placed_errors[self.is_test], self.radius90_px[self.is_test])

    def cutoff(self, settings: Settings) -> Cutoff:
        """Return the settings' pcutoff; where it is 'auto', what is recommended for each part."""
        if settings.pcutoff != AUTO:
            return settings.pcutoff
        return cutoffs_of(self.trust, self.evaluation.bodyparts)

    @property
    def unlabeled_parts(self) -> list[str]:
        """Body parts that no test image holds."""
        labeled = np.isfinite(self.evaluation.errors[self.is_test]).any(axis=0)
        return [part for part, is_there in zip(self.evaluation.bodyparts, labeled, strict=True) if not is_there]

    def doubtful_labels(self) -> list[tuple[int, int]]:
        """List labels to look at again, as (image, part), the most surprising first; of test images alone."""
        errors = np.where(self.is_test[:, None], self.evaluation.errors, np.nan)
        return doubtful_labels(errors, self.expected_px, self.trust.wanted_px, self._contradiction())

    def _contradiction(self) -> np.ndarray:
        """Return how much more each label contradicts the posture than the network's place does, (N, K) as a ratio."""
        in_images = replace(self.trust, crop=None)  # labels and poses are in pixels of the labeled images
        of_labels, of_poses = (
            np.maximum(np.nan_to_num(in_images.posture_px(places), nan=1), 1)  # less than a pixel contradicts nothing
            for places in (self.evaluation.labels, self.evaluation.poses)
        )
        return of_labels / of_poses

    def in_words(self) -> list[str]:
        """Tell what is known and what is not, in sentences."""
        return [*_expected_in_words(self), *_cutoffs_in_words(self.trust), *self.unknown_views]

    @property
    def seen_in_words(self) -> str | None:
        """Say how many test images are not new to the network; None where all are, as far as is known."""
        if not (seen := int(self.evaluation.seen.sum())):
            return None
        return (
            f"{seen} of {self.is_test.sum()} test images trained the network that this one started from: the test "
            "error, and all that is learned from it, look better than they are. Train from ImageNet weights, or with a "
            "split that tests on other images, to know"
        )


def judge(evaluation: Evaluation, settings: Settings, postures: Postures | str | None = None) -> Judgment:
    """Learn from the test images how far off the poses of a network may be, and judge that on them.

    Postures are learned from the training images alone, so that those of test images are as new as a video's.

    Parameters
    ----------
    evaluation : Evaluation
        As `results.read_evaluation` returns it.
    settings : Settings
        wantederror, views, seed and the crop of the images.
    postures : Postures or str, optional
        Where they are learned already, as of an evaluation that holds test images alone.

    Returns
    -------
    Judgment
        Ready to be written and told.
    """
    is_test, errors = ~evaluation.is_train, evaluation.placed_errors
    planes, unknown_views = _learn_planes(evaluation, settings)
    if postures is None:
        postures = fit_postures(evaluation.labels[evaluation.is_train], np.random.default_rng(settings.seed))
    cutoffs = recommended_pcutoff(evaluation.likelihoods[is_test], errors[is_test], settings.wantederror)
    trust = Trust(
        bodyparts=tuple(evaluation.bodyparts),
        calibration=f"the poses were made before the network told about its maps: {STEPS} --overwrite",
        views=settings.views,
        planes=tuple(planes),
        postures=postures,
        pcutoffs={
            part: None if np.isnan(cutoff) else float(cutoff)
            for part, cutoff in zip(evaluation.bodyparts, cutoffs, strict=True)
        },
        wanted_px=float(settings.wantederror),
    )
    expected, radius = np.full(errors.shape, np.nan), np.full(errors.shape, np.nan)
    if evaluation.features is not None:  # these poses are in pixels of the labeled images, where no crop counts
        evidence = trust.evidence(evaluation.poses, evaluation.features)[is_test]
        calibration = fit_calibration(evidence, errors[is_test], np.isfinite(evaluation.errors[is_test]))
        trust = replace(trust, calibration=calibration)
        others = held_out(evidence, errors[is_test])
        if isinstance(calibration, Calibration) and not isinstance(others, str):
            expected[is_test], radius[is_test] = others
    return Judgment(evaluation, replace(trust, crop=settings.crop), expected, radius, tuple(unknown_views))


def _learn_planes(evaluation: Evaluation, settings: Settings) -> tuple[list[Plane], list[str]]:
    """Fit the planes of the settings' views on the labels, and say which are not known."""
    if not settings.views:
        return [], []
    places = np.array([[list(evaluation.bodyparts).index(part) for part in point] for point in settings.views])
    planes, unknown = fit_planes(evaluation.labels[:, places])
    return planes, [f"The agreement of {reason.replace(':', ' is not known:', 1)}" for reason in unknown]


def write_judgment(judgment: Judgment) -> None:
    """Write what was learned into the train folder, and the confidence of the evaluated poses beside them.

    Where nothing is known, why it is not is written, and a table of earlier poses is deleted.

    Parameters
    ----------
    judgment : Judgment
        As `judge` returns it.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    trust, evaluation = judgment.trust, judgment.evaluation
    network, is_test = evaluation.network, judgment.is_test
    path = calibration_file(network.config_path.parent)
    looked = Looked(fingerprint(network.snapshot.path), network.precision, trust.crop, network.scale)
    labels = int(np.isfinite(evaluation.placed_errors[is_test]).sum())
    write_calibration(path, trust, network.iteration, looked, int(is_test.sum()), labels)
    table = confidence_table(network.table)
    in_images = replace(trust, crop=None)  # these poses are in pixels of the labeled images
    views, posture = in_images.views_px(evaluation.poses), in_images.posture_px(evaluation.poses)
    found = np.stack([judgment.expected_px, judgment.radius90_px, views, posture], axis=-1)
    if np.isfinite(found).any():
        write_table(make_table(network.scorer, evaluation.bodyparts, evaluation.images, found, CONFIDENCE), table)
    else:
        table.unlink(missing_ok=True)
        table.with_suffix(".csv").unlink(missing_ok=True)


def people_agree(evaluation: Evaluation, settings: Settings) -> dict[str, np.ndarray]:
    """Measure how far other people's labels lie from those that the network is judged by.

    Parameters
    ----------
    evaluation : Evaluation
        Its labels are by `settings.scorer`.
    settings : Settings
        Scorers, whose label tables are read where they are there.

    Returns
    -------
    dict of str to ndarray of shape (N, K)
        For each other scorer who labeled some of the same: distances in pixels; NaN where one of the two has no label.
    """
    layout, found = evaluation.network.layout, {}
    for scorer in settings.Scorers:
        table = layout.label_table(settings.Task, scorer)
        if scorer == settings.scorer or not table.is_file():
            continue
        try:
            labels = points(read_table(table).reindex(list(evaluation.images)), evaluation.bodyparts)[..., :2]
        except UsersError as error:
            log.warning("%s cannot be compared with the labels of %s: %s", table, settings.scorer, error)
            continue
        distances = euclidean_errors(evaluation.labels, labels)
        if np.isfinite(distances).any():
            found[scorer] = distances
    return found


def nearness_in_words(evaluation: Evaluation) -> str:
    """Say how near test images are to training images, by the numbers in their names."""
    names = np.array(evaluation.images)
    steps = steps_to_training(names[evaluation.is_train].tolist(), names[~evaluation.is_train].tolist())
    if not np.isfinite(steps).any():
        return (
            f"None of the {len(steps)} test images is of a folder that training images come from: the test error tells "
            "about videos that the network has never seen."
        )
    known, near = steps[np.isfinite(steps)], int(np.sum(steps <= _NEAR))
    return (
        f"{len(known)} of the {len(steps)} test images are of a folder that training images come from, too; by the "
        f"numbers in their names, {near} have a training image right before or after them (median distance "
        f"{np.median(known):g}). The nearer they are in time, the more the test error looks like the training error: "
        "splitby = 'video' in myconfig.py tests on videos of their own."
    )


def _expected_in_words(judgment: Judgment) -> list[str]:
    """Tell about expected errors, and of which parts nothing is known."""
    trust, errors = judgment.trust, judgment.evaluation.placed_errors[judgment.is_test]
    accepted = int(np.isfinite(judgment.evaluation.errors[judgment.is_test]).sum() - np.isfinite(errors).sum())
    if isinstance(trust.calibration, str):
        sentences = [f"How far off a pose may be is not known: {trust.calibration}"]
    else:
        sentences = [
            f"How far off a pose may be was learned from {np.isfinite(errors).sum()} labels in {len(errors)} test "
            f"images; of labels that had no say in it, {judgment.coverage:.0%} lie within the radius of 90 %"
        ]
    if accepted:
        sentences.append(
            f"{accepted} labels of test images are machine labels that were accepted as they were: they have no say in "
            "how far off a pose may be, because a network is near to what a network has found"
        )
    if judgment.unlabeled_parts:
        sentences.append(
            f"No test image has a label of {', '.join(judgment.unlabeled_parts)}: how well the network finds "
            f"{'it' if len(judgment.unlabeled_parts) == 1 else 'them'} is not known"
        )
    return sentences


def _cutoffs_in_words(trust: Trust) -> list[str]:
    """Tell for which parts a likelihood is known from which on they can be trusted."""
    cutoffs = trust.pcutoffs or {}
    known = [f"{part} {recommended_in_words(cutoff)}" for part, cutoff in cutoffs.items() if cutoff is not None]
    never = [part for part, cutoff in cutoffs.items() if cutoff is None]
    if not known:
        return [
            f"No body part has a likelihood from which on 90 % of the labels are within {trust.wanted_px:g} px, or has "
            f"as many as {FEWEST_ABOVE} labels in test images, which it takes to tell"
        ]
    sentence = f"Recommended pcutoff, for 90 % of the labels within {trust.wanted_px:g} px: {', '.join(known)}"
    return [f"{sentence}; never: {', '.join(never)}" if never else sentence]


def judge_all(evaluations: Sequence[Evaluation], settings: Settings) -> list[Judgment]:
    """Judge each network, and write what was learned; see `judge` and `write_judgment`."""
    judgments = [judge(evaluation, settings) for evaluation in evaluations]
    for judgment in judgments:
        write_judgment(judgment)
    return judgments
