"""How far off a pose may be: from what maps and posture tell about it, calibrated on images that trained nothing.

A likelihood is no probability of being right. On labeled images that did not train the network, the errors of its poses
are known; what poses like a new one were off there is what to expect of it.

References
----------
Romano Y, Patterson E, Candes E. Conformalized quantile regression. NeurIPS (2019), arXiv 1905.03222.
Barber RF, Candes E, Ramdas A, Tibshirani RJ. Predictive inference with the jackknife+. Ann. Stat. 49 (2021).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression, lsq_linear

from dlc_common.promise import MEANINGFUL

FEATURES = ("likelihood", "second_likelihood", "second_distance_px", "peak_width_px")
"""What the maps tell about a pose: of its best cell, of the best cell elsewhere, how far that is, how wide the peak."""

EVIDENCE = (*FEATURES, "posture_px")
"""What an expected error follows from: the maps, and how far the part is from where the others say, see `posture`."""

FEWEST_LABELS = 40
"""Labels that a calibration is fitted on, at least."""

COVERAGE = 0.9
FEWEST_ABOVE = 8
"""Labels that must be at or above a recommended pcutoff."""
_LABELS_PER_BIN = 60
_MOST_BINS = 4
_MOST_POOLS = 500
_FOLDS = 5
_RIDGE = 3.0
_LEAST_PX = 0.1  # errors below it are as good as none
_CLIPPED = 1e-4
_FORMS = ((0,), (0, 4), (0, 1), (0, 1, 4), (0, 1, 2, 3), (0, 1, 2, 3, 4))  # places in EVIDENCE, the simplest first
_SIGNS = {0: (-np.inf, 0), 4: (0, np.inf)}  # of their weights: of the likelihood, of the posture


@dataclass(frozen=True)
class Calibration:
    """From what the maps tell about a pose to its expected error; made by `fit_calibration`.

    Parameters
    ----------
    center, scale, weights : list of float
        Of the evidence: the score of a pose is their weighted sum, larger for larger errors.
    score_knots, log_error_knots : list of float
        The median of log error (pixels) rises with the score along these.
    part_offsets : list of float
        What is added to the log error of each body part.
    likelihood_edges : list of float
        Between the bins that have a radius factor of their own.
    log_radius_factors : list of float
        Of each bin: the radius of 90 % is the expected error times exp(factor).
    visible_knots, visible_shares : list of float
        The share of poses whose part a person labeled rises with the likelihood along these.
    """

    center: list[float]
    scale: list[float]
    weights: list[float]
    score_knots: list[float]
    log_error_knots: list[float]
    part_offsets: list[float]
    likelihood_edges: list[float]
    log_radius_factors: list[float]
    visible_knots: list[float]
    visible_shares: list[float]

    def error_px(self, evidence: np.ndarray) -> np.ndarray:
        """Return the expected (median) error of poses.

        Parameters
        ----------
        evidence : ndarray of shape (N, K, F)
            As given to `fit_calibration`, or more of `EVIDENCE`.

        Returns
        -------
        ndarray of shape (N, K)
            In pixels; NaN where the maps tell nothing. A posture that is not known counts as an average one.
        """
        return np.exp(self._log_error(evidence))

    def radius90_px(self, evidence: np.ndarray) -> np.ndarray:
        """Return the radius within which nine of ten poses like these lie, (N, K) in pixels; see `error_px`."""
        bins = np.searchsorted(self.likelihood_edges, np.nan_to_num(evidence[..., 0]), side="right")
        return np.exp(self._log_error(evidence) + np.array(self.log_radius_factors)[bins])

    def visible(self, evidence: np.ndarray) -> np.ndarray:
        """Return the chance, (N, K), that a person would have labeled the part here; see `error_px`."""
        return np.interp(evidence[..., 0], self.visible_knots, self.visible_shares)

    def _log_error(self, evidence: np.ndarray) -> np.ndarray:
        """Return the median of log error, (N, K)."""
        known = _transform(evidence[..., : len(self.center)])
        score = _standardized(known, self.center, self.scale) @ np.array(self.weights)
        return np.interp(score, self.score_knots, self.log_error_knots) + np.array(self.part_offsets)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, from which `from_json` makes the same calibration."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Calibration:
        """Make the calibration that `as_json` described; a missing or other key raises TypeError."""
        return cls(**values)


def fit_calibration(
    evidence: np.ndarray, errors_px: np.ndarray, is_labeled: np.ndarray | None = None
) -> Calibration | str:
    """Fit a calibration on images that did not train the network.

    Parameters
    ----------
    evidence : ndarray of shape (N, K, F)
        Of the poses of N images, the first F of `EVIDENCE`, F at least 1; a posture may be NaN.
    errors_px : ndarray of shape (N, K)
        Their distances from a person's labels; NaN where nobody labeled.
    is_labeled : ndarray of shape (N, K), optional
        bool; where a person saw the part, also where the label tells no error, as one that a network has made. Default:
        where there is an error.

    Returns
    -------
    Calibration or str
        Why there is none, when there are too few labels.
    """
    labeled = np.isfinite(errors_px)
    if labeled.sum() < FEWEST_LABELS:
        return (
            f"{labeled.sum()} labels were placed by hand on images that it did not train on, and at least "
            f"{FEWEST_LABELS} are needed: label more, or lower TrainingFraction, and train and evaluate again"
        )
    form, surplus = _choose_form(evidence, errors_px)
    model = _fit_median(evidence, errors_px, form)
    edges = _bin_edges(evidence[..., 0][labeled])
    factors = _radius_factors(surplus[labeled], evidence[..., 0][labeled], edges)
    knots, shares = _fit_visible(evidence[..., 0], labeled if is_labeled is None else is_labeled)
    return Calibration(
        **model, likelihood_edges=edges, log_radius_factors=factors, visible_knots=knots, visible_shares=shares
    )


def held_out(evidence: np.ndarray, errors_px: np.ndarray) -> tuple[np.ndarray, np.ndarray] | str:
    """Predict the error of each image's poses by a calibration on the other images: what coverage may be judged on.

    Parameters
    ----------
    evidence, errors_px : ndarray
        As of `fit_calibration`.

    Returns
    -------
    (ndarray of shape (N, K), ndarray of shape (N, K)) or str
        Expected error and radius of 90 % in pixels; or why there are none.
    """
    error, radius = np.full(errors_px.shape, np.nan), np.full(errors_px.shape, np.nan)
    for fold in _folds(len(errors_px)):
        calibration = fit_calibration(evidence[~fold], errors_px[~fold])
        if isinstance(calibration, str):
            return calibration
        error[fold], radius[fold] = calibration.error_px(evidence[fold]), calibration.radius90_px(evidence[fold])
    return error, radius


def _folds(images: int) -> list[np.ndarray]:
    """Share images out among folds; the same for the same number of images."""
    order = np.random.default_rng(images).permutation(images) % min(_FOLDS, images)
    return [order == fold for fold in range(min(_FOLDS, images))]


def _transform(evidence: np.ndarray) -> np.ndarray:
    """Return evidence on scales on which log error is about linear."""
    likelihoods = np.clip(evidence[..., :2], _CLIPPED, 1 - _CLIPPED)
    lengths = np.log1p(np.maximum(evidence[..., 2:], 0))
    return np.concatenate([np.log(likelihoods / (1 - likelihoods)), lengths], axis=-1)


def _standardized(transformed: np.ndarray, center: Sequence[float], scale: Sequence[float]) -> np.ndarray:
    """Return evidence in standard deviations from its mean, which a posture that is not known is taken for."""
    standard = (transformed - center) / scale
    standard[..., len(FEATURES) :] = np.nan_to_num(standard[..., len(FEATURES) :])
    return standard


@dataclass(frozen=True)
class _Form:
    """What the expected error follows from: places in `EVIDENCE`, and the part or not."""

    places: tuple[int, ...]
    by_part: bool


def _choose_form(evidence: np.ndarray, errors_px: np.ndarray) -> tuple[_Form, np.ndarray]:
    """Choose what predicts the log error of other images best, the simplest first; with few labels that is little.

    Returns the form, and log error minus what the other images let expect by it, (N, K).
    """
    told = [places for places in _FORMS if max(places) < evidence.shape[-1]]
    forms = [_Form(places, by_part) for by_part in (False, True) for places in told]
    surpluses = [_held_out_surplus(evidence, errors_px, form) for form in forms]
    losses = [float(np.nanmean(np.abs(surplus))) for surplus in surpluses]
    best = int(np.argmin(losses))
    return forms[best], surpluses[best]


def _fit_median(evidence: np.ndarray, errors_px: np.ndarray, form: _Form) -> dict[str, list[float]]:
    """Fit score, parts and the rising median of log error."""
    labeled = np.isfinite(errors_px)
    transformed, log_error = _transform(evidence)[labeled], np.log(np.maximum(errors_px[labeled], _LEAST_PX))
    parts = np.nonzero(labeled)[1]
    known = np.ma.masked_invalid(transformed)
    center, scale = known.mean(axis=0).filled(0), known.std(axis=0).filled(0) + 1e-9
    standard, places = _standardized(transformed, center, scale), list(form.places)
    weights = np.zeros(standard.shape[1])
    weights[places] = _ridge(standard[:, places], log_error, places)
    score = standard @ weights
    offsets = np.zeros(errors_px.shape[1])
    if form.by_part:
        offsets = _part_offsets(log_error - _rising_median(score, log_error)(score), parts, errors_px.shape[1])
    curve = _rising_median(score, log_error - offsets[parts])
    return {
        "center": center.tolist(),
        "scale": scale.tolist(),
        "weights": weights.tolist(),
        "score_knots": curve.knots.tolist(),
        "log_error_knots": curve.values.tolist(),
        "part_offsets": offsets.tolist(),
    }


def _ridge(standard: np.ndarray, log_error: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Weigh standardized evidence, (M, F), to follow log error; the likelihood alone where nothing does.

    An error may not grow with the likelihood, nor fall where the posture is left.
    """
    bounds = np.array([_SIGNS.get(place, (-np.inf, np.inf)) for place in places]).T
    penalty = np.sqrt(_RIDGE) * np.eye(standard.shape[1])
    target = np.concatenate([log_error - log_error.mean(), np.zeros(len(penalty))])
    weights = lsq_linear(np.concatenate([standard, penalty]), target, bounds, method="bvls").x
    return weights if weights.any() else -np.eye(len(weights))[0]


@dataclass(frozen=True)
class _Curve:
    """A rising curve through knots."""

    knots: np.ndarray
    values: np.ndarray

    def __call__(self, score: np.ndarray) -> np.ndarray:
        return np.interp(score, self.knots, self.values)


def _rising_median(score: np.ndarray, log_error: np.ndarray) -> _Curve:
    """Fit a rising curve of medians by pooling adjacent violators, straight between the middles of the pools."""
    order = np.lexsort((-log_error, score))  # equal scores: falling, and so in one pool
    start = np.array_split(log_error[order], min(len(order), _MOST_POOLS))  # neighbours beyond that many begin as one
    pools: list[list[float]] = []  # log errors, sorted: medians of few values, which NumPy is slow at, are then at hand
    for members in start:
        pools.append(sorted(members.tolist()))
        while len(pools) > 1 and _middle(pools[-2]) >= _middle(pools[-1]):
            pools[-2:] = [sorted(pools[-2] + pools[-1])]
    rising, ends = score[order].tolist(), accumulate(map(len, pools), initial=0)
    knots = [_middle(rising[begin:end]) for begin, end in pairwise(ends)]
    return _Curve(np.array(knots), np.array([_middle(pool) for pool in pools]))


def _middle(ordered: list[float]) -> float:
    """Return the median of sorted values."""
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2


def _part_offsets(residual: np.ndarray, parts: np.ndarray, count: int) -> np.ndarray:
    """Return how much worse each part is than all, shrunk by how well that is known."""
    sizes = np.bincount(parts, minlength=count)
    means = np.bincount(parts, residual, minlength=count) / np.maximum(sizes, 1)
    within = np.mean((residual - means[parts]) ** 2)
    seen = sizes > 0
    between = np.var(means[seen]) - np.mean(within / sizes[seen])
    if between <= 0:
        return np.zeros(count)
    return means * sizes / (sizes + within / between)


def _held_out_surplus(evidence: np.ndarray, errors_px: np.ndarray, form: _Form) -> np.ndarray:
    """Return log error minus what the other images let expect, (N, K)."""
    surplus = np.full(errors_px.shape, np.nan)
    for fold in _folds(len(errors_px)):
        if not np.isfinite(errors_px[~fold]).any():
            continue
        model = _fit_median(evidence[~fold], errors_px[~fold], form)
        expected = Calibration(**model, **_NO_RADIUS)._log_error(evidence[fold])
        surplus[fold] = np.log(np.maximum(errors_px[fold], _LEAST_PX)) - expected
    return surplus


_NO_RADIUS: dict[str, list[float]] = {
    "likelihood_edges": [],
    "log_radius_factors": [],
    "visible_knots": [],
    "visible_shares": [],
}


def _bin_edges(likelihoods: np.ndarray) -> list[float]:
    """Cut likelihoods into an even number of bins of equally many labels, so that one edge is their median."""
    bins = 2 if len(likelihoods) < _MOST_BINS * _LABELS_PER_BIN else _MOST_BINS
    return np.quantile(likelihoods, np.arange(1, bins) / bins).tolist()


def _radius_factors(surplus: np.ndarray, likelihoods: np.ndarray, edges: list[float]) -> list[float]:
    """Return, for each bin, what 90 % of the log errors exceed their expectation by at most, by conformal prediction.

    >>> [round(factor, 1) for factor in _radius_factors(np.arange(19) / 10, np.full(19, 0.5), edges=[0.4])]
    [0.0, 1.7]
    """
    bins = np.searchsorted(edges, likelihoods, side="right")
    factors = []
    for number in range(len(edges) + 1):
        inside = np.sort(surplus[(bins == number) & np.isfinite(surplus)])
        rank = int(np.ceil((len(inside) + 1) * COVERAGE)) - 1
        factors.append(float(inside[min(rank, len(inside) - 1)]) if len(inside) else 0.0)
    return factors


def _fit_visible(likelihoods: np.ndarray, labeled: np.ndarray) -> tuple[list[float], list[float]]:
    """Fit how the share of labeled parts rises with the likelihood."""
    known = np.isfinite(likelihoods)
    places, numbers, counts = np.unique(likelihoods[known], return_inverse=True, return_counts=True)
    fitted = isotonic_regression(np.bincount(numbers, labeled[known]) / counts, weights=counts)
    ends = np.unique(np.concatenate([fitted.blocks[:-1], fitted.blocks[1:] - 1]))
    return places[ends].tolist(), fitted.x[ends].tolist()


def recommended_pcutoff(likelihoods: np.ndarray, errors_px: np.ndarray, wanted_px: float) -> np.ndarray:
    """Find, for each part, the likelihood from which on 90 % of the errors are as small as wanted.

    It lies halfway between the last pose that may pass and the first that may not. Where all may, nothing tells how low
    likelihoods can be, and those from 0.1 on pass.

    Parameters
    ----------
    likelihoods, errors_px : ndarray of shape (N, K)
        Of poses of images that did not train the network; NaN where nobody labeled.
    wanted_px : float
        Error that is small enough.

    Returns
    -------
    ndarray of shape (K,)
        NaN where none reaches it, or with fewer than `FEWEST_ABOVE` labels at or above it.

    Examples
    --------
    >>> likelihoods = np.linspace(0.05, 1, 20)[:, None]
    >>> errors = np.where(likelihoods < 0.48, 30.0, 1.0)
    >>> recommended_pcutoff(likelihoods, errors, wanted_px=5).round(3).tolist()  # one error in eleven is let pass
    [0.425]
    """
    found = np.full(errors_px.shape[1], np.nan)
    for part in range(errors_px.shape[1]):
        labeled = np.isfinite(errors_px[:, part])
        order = np.argsort(-likelihoods[labeled, part])
        falling = likelihoods[labeled, part][order]
        good = np.cumsum(errors_px[labeled, part][order] <= wanted_px)
        counts = np.arange(1, len(order) + 1)
        is_last_alike = np.append(falling[1:] < falling[:-1], True)[: len(order)]
        enough = np.flatnonzero((good >= COVERAGE * counts) & (counts >= FEWEST_ABOVE) & is_last_alike)
        if len(enough):
            least, below = falling[enough[-1]], falling[enough[-1] + 1 :]
            found[part] = (least + below[0]) / 2 if len(below) else min(least, MEANINGFUL)
    return found
