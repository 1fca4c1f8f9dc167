"""Plausible posture: how far each body part is from where the rest of the body says it should be.

The postures that people labeled span a low-dimensional subspace (PCA). A pose far from it is one that no label shows:
a part on the wrong side, or two parts exchanged. Labels that are missing are treated as unknown, not as zero.

References
----------
Tipping ME, Bishop CM. Probabilistic principal component analysis. J. R. Stat. Soc. B 61, 611-622 (1999).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST_IMAGES = 20
"""Labeled images that postures are learned from, at least."""

MOST_DIMENSIONS = 12
_ITERATIONS = 60
_FOLDS = 5
_AS_GOOD = 1.05  # times the least error in predicting hidden labels: as few dimensions as reach it
_WORTH_IT = 0.75  # times the error of always predicting the mean place: more is not worth the name
_LEAST_FREEDOM = 0.2  # share of a part's own place that its own label may not decide


@dataclass(frozen=True)
class Postures:
    """The subspace of the postures that labels span.

    Parameters
    ----------
    mean : ndarray of shape (2K,)
        x, y of each part in turn, in pixels.
    loadings : ndarray of shape (2K, D)
        How the D coordinates of a posture move the parts.
    noise_px : float
        Standard deviation of the labels around it, along one axis.
    """

    mean: np.ndarray
    loadings: np.ndarray
    noise_px: float

    @property
    def dimensions(self) -> int:
        """Number of coordinates of a posture."""
        return self.loadings.shape[1]


def fit_postures(labels: np.ndarray, rng: np.random.Generator) -> Postures | str:
    """Learn the subspace of postures, with as few dimensions as predict labels of other images about as well as any.

    Parameters
    ----------
    labels : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where a part is not labeled.
    rng : numpy.random.Generator
        Shares out the images among the folds of the cross-validation, and hides labels in them.

    Returns
    -------
    Postures or str
        Why there are none, when there are too few images or parts, or the postures span everything.
    """
    rows = labels.reshape(len(labels), -1)
    rows = rows[np.isfinite(rows).sum(axis=1) >= 4]
    if len(rows) < FEWEST_IMAGES:
        return f"only {len(rows)} images have two labels or more, at least {FEWEST_IMAGES} are needed"
    if not np.isfinite(rows).any(axis=0).all():
        return "a body part is never labeled"
    most = min(MOST_DIMENSIONS, rows.shape[1] - 2, len(rows) // 2)
    if most < 1:
        return "too few body parts: their places span every posture"
    folds = rng.permutation(len(rows)) % _FOLDS
    hidden = _hide_a_part_each(np.isfinite(rows), rng)
    of_the_mean, *errors = [_prediction_error(rows, folds, hidden, dimensions) for dimensions in range(most + 1)]
    if min(errors) > _WORTH_IT * of_the_mean:
        return "the places of the parts do not tell each other's: they span every posture"
    best = next(n for n, error in enumerate(errors, 1) if error <= _AS_GOOD * min(errors))
    return _fit(rows, best)


def _hide_a_part_each(known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose one labeled part of each image to be predicted from the others, (N, 2K) bool."""
    hidden = np.zeros_like(known)
    for row, labeled in enumerate(known[:, ::2]):
        part = rng.choice(np.flatnonzero(labeled))
        hidden[row, 2 * part : 2 * part + 2] = True
    return hidden & known


def _prediction_error(rows: np.ndarray, folds: np.ndarray, hidden: np.ndarray, dimensions: int) -> float:
    """Return the median error, in pixels along one axis, of hidden labels predicted by the other folds' subspace."""
    errors = []
    for fold in range(_FOLDS):
        others = rows[folds != fold]
        postures = _fit(others, dimensions) if dimensions else _mean_place(others)
        test = rows[folds == fold]
        shown = np.where(hidden[folds == fold], np.nan, test)
        predicted = postures.mean + _coordinates(shown, postures) @ postures.loadings.T
        errors.append((predicted - test)[hidden[folds == fold]])
    return float(np.median(np.abs(np.concatenate(errors))))


def _mean_place(rows: np.ndarray) -> Postures:
    """Return postures that know of each part where it is on average, and no more."""
    return Postures(np.nanmean(rows, axis=0), np.zeros((rows.shape[1], 1)), 1.0)


def _fit(rows: np.ndarray, dimensions: int) -> Postures:
    """Fit a probabilistic PCA with missing values by expectation maximization."""
    known = np.isfinite(rows)
    mean = np.nanmean(rows, axis=0)
    filled = np.where(known, rows - mean, 0)
    _, scale, directions = np.linalg.svd(filled, full_matrices=False)
    loadings = directions[:dimensions].T * (scale[:dimensions] / np.sqrt(len(rows)))
    noise = max(float(np.mean((filled - filled @ directions[:dimensions].T @ directions[:dimensions]) ** 2)), 1e-6)
    for _ in range(_ITERATIONS):
        means, covariances = _posterior(rows - mean, loadings, noise)
        moments = covariances + means[:, :, None] * means[:, None]
        centered = np.where(known, rows - mean, 0)
        normal = np.einsum("nj,nab->jab", known, moments) + 1e-9 * np.eye(dimensions)
        loadings = np.linalg.solve(normal, (centered.T @ means)[..., None])[..., 0]
        residual = np.where(known, centered - means @ loadings.T, 0)
        inside = np.einsum("ja,nab,jb,nj->", loadings, covariances, loadings, known)
        noise = max(float((np.sum(residual**2) + inside) / known.sum()), 1e-6)
        mean = mean + np.where(known, residual, 0).sum(axis=0) / known.sum(axis=0)
    return Postures(mean, loadings, float(np.sqrt(noise)))


def _posterior(centered: np.ndarray, loadings: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (N, D) and covariance (N, D, D) of the coordinates of each posture, from its known values."""
    known = np.isfinite(centered)
    values = np.where(known, centered, 0)
    products = loadings[:, :, None] * loadings[:, None]
    precision = np.einsum("nj,jab->nab", known, products) / noise + np.eye(loadings.shape[1])
    covariances = np.linalg.inv(precision)
    return np.einsum("nab,nb->na", covariances, values @ loadings / noise), covariances


def _coordinates(rows: np.ndarray, postures: Postures) -> np.ndarray:
    """Return the most likely coordinates of postures, (N, D), from values with NaN where they are not known."""
    return _posterior(rows - postures.mean, postures.loadings, postures.noise_px**2)[0]


def implausibility(points: np.ndarray, postures: Postures) -> np.ndarray:
    """Measure how far each part is from where the other parts say that it is.

    Parameters
    ----------
    points : ndarray of shape (N, K, 2)
        x, y in pixels; NaN where a part was not found.
    postures : Postures
        As `fit_postures` returns it.

    Returns
    -------
    ndarray of shape (N, K)
        In pixels. NaN where a part was not found, or the others do not say where it is.
    """
    known = np.isfinite(points).all(axis=2)
    distance = np.full(points.shape[:2], np.nan)
    patterns, numbers = np.unique(known, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.any():
            rows = np.flatnonzero(numbers.ravel() == number)
            distance[np.ix_(rows, pattern)] = _distances(points[rows][:, pattern], pattern, postures)
    return distance


def _distances(points: np.ndarray, pattern: np.ndarray, postures: Postures) -> np.ndarray:
    """Return the distances of the known parts, (N, J), of postures in which these, `pattern` (K,), are known."""
    loadings = postures.loadings.reshape(len(pattern), 2, -1)[pattern]
    centered = points - postures.mean.reshape(-1, 2)[pattern]
    noise = postures.noise_px**2
    flat = loadings.reshape(-1, postures.dimensions)
    covariance = np.linalg.inv(flat.T @ flat / noise + np.eye(postures.dimensions))
    coordinates = centered.reshape(len(points), -1) @ flat @ covariance / noise
    residual = centered - (coordinates @ flat.T).reshape(centered.shape)
    # A part pulls the posture towards itself; undoing its pull gives its distance from what the others predict.
    free = np.eye(2) - loadings @ covariance @ loadings.transpose(0, 2, 1) / noise
    decided = np.linalg.eigvalsh(free)[:, 0] > _LEAST_FREEDOM
    distance = np.full(points.shape[:2], np.nan)
    undone = np.einsum("jab,njb->nja", np.linalg.inv(free[decided]), residual[:, decided])
    distance[:, decided] = np.linalg.norm(undone, axis=-1)
    return distance
