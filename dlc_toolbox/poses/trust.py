"""How far off a network's poses may be: what its evaluation learned, read from its train folder, and applied.

`calibration.json` holds what the labels tell (planes of views, postures) and, for each snapshot that was evaluated, its
calibration. It counts for that snapshot, that precision, scale and crop; for any other nothing is known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common.files import write_if_changed
from dlc_common.fingerprints import fingerprint
from dlc_common.versions import versions
from dlc_toolbox import ToolboxError
from dlc_toolbox.measure.confidence import Calibration
from dlc_toolbox.measure.metrics import NEVER
from dlc_toolbox.measure.posture import Postures, implausibility
from dlc_toolbox.measure.views import Plane, disagreement
from dlc_toolbox.poses.network import FULL_PRECISION, Network
from dlc_toolbox.project.settings import crop_in_words
from dlc_toolbox.video.video import Crop

CONFIDENCE = ("error_px", "radius90_px", "views_px", "posture_px")
"""Of a table of confidence: expected error, radius of 90 %, disagreement of views, implausibility of the posture."""

STEPS = "run Evaluation-tools/Step1_EvaluateModelonDataset.py and Step2_AnalysisofResults.py"


@dataclass(frozen=True)
class Trust:
    """What is known about the poses of one network.

    Parameters
    ----------
    bodyparts : tuple of str
        K names; all arrays below are in this order.
    calibration : Calibration or str
        From what the maps tell to expected errors; or why it is not known.
    views : tuple of tuple of str
        Body parts of each point, one a view.
    planes : tuple of Plane
        Of pairs of views.
    postures : Postures or str
        Those that labels span; or why they are not known.
    crop : (x1, x2, y1, y2) or None
        Of the labeled images in the frames of their videos.
    pcutoffs : mapping of str to float or None
        The least likelihood from which on nine of ten errors are small enough; None where none is.
    wanted_px : float
        What is small enough.
    """

    bodyparts: tuple[str, ...]
    calibration: Calibration | str
    views: tuple[tuple[str, ...], ...] = ()
    planes: tuple[Plane, ...] = ()
    postures: Postures | str = "not learned"
    crop: Crop | None = None
    pcutoffs: Mapping[str, float | None] | None = None
    wanted_px: float = 5.0

    @property
    def tells_of_places(self) -> bool:
        """Whether planes of views or postures are known, which judge places alone."""
        return bool(self.planes) or isinstance(self.postures, Postures)

    @property
    def tells_of_errors(self) -> bool:
        """Whether poses can be doubted by anything but their likelihood."""
        return self.tells_of_places or isinstance(self.calibration, Calibration)

    @property
    def fingerprint(self) -> str:
        """Hash what a table of confidence and its summary follow from; why something is not known is no part of it."""
        learned = {
            **_of_labels(self),
            "postures": None if isinstance(self.postures, str) else _postures_as_json(self.postures),
            "calibration": None if isinstance(self.calibration, str) else self.calibration.as_json(),
            "wantederror": self.wanted_px,
        }
        return hashlib.blake2b(json.dumps(learned).encode(), digest_size=16).hexdigest()

    def confidence(self, poses: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Tell how far off poses may be.

        Parameters
        ----------
        poses : ndarray of shape (N, K, 3)
            x, y in pixels of the full frame, likelihood; NaN in lost frames.
        features : ndarray of shape (N, K, 4)
            What the maps tell, see `confidence.FEATURES`.

        Returns
        -------
        ndarray of shape (N, K, 4)
            `CONFIDENCE`, in pixels; NaN where nothing is known.
        """
        found = np.full((*poses.shape[:2], len(CONFIDENCE)), np.nan)
        evidence = self.evidence(poses, features)
        if isinstance(self.calibration, Calibration):
            found[..., 0] = self.calibration.error_px(evidence)
            found[..., 1] = self.calibration.radius90_px(evidence)
        found[..., 2], found[..., 3] = self.views_px(poses), evidence[..., -1]
        return found

    def evidence(self, poses: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Return what an expected error follows from, (N, K, 5), see `confidence.EVIDENCE`; of `confidence`'s poses."""
        return np.concatenate([features, self.posture_px(poses)[..., None]], axis=-1)

    def views_px(self, poses: np.ndarray) -> np.ndarray:
        """Return how far parts are from what the views together allow, (N, K) in pixels of one view; see `views`."""
        found = np.full(poses.shape[:2], np.nan)
        if self.planes:
            places = np.array([[self.bodyparts.index(part) for part in point] for point in self.views])
            found[:, places] = disagreement(self._in_image(poses)[:, places], self.planes)
        return found

    def posture_px(self, poses: np.ndarray) -> np.ndarray:
        """Return how far parts are from where the others say, (N, K) in pixels; see `posture.implausibility`."""
        if isinstance(self.postures, str):
            return np.full(poses.shape[:2], np.nan)
        return implausibility(self._in_image(poses), self.postures)

    def _in_image(self, poses: np.ndarray) -> np.ndarray:
        """Return places in pixels of the labeled images."""
        return poses[..., :2] - ((self.crop[0], self.crop[2]) if self.crop else (0, 0))

    def visible(self, features: np.ndarray) -> np.ndarray:
        """Return the chance, (N, K), that a person would have labeled the part; NaN where it is not known."""
        if isinstance(self.calibration, str):
            return np.full(features.shape[:2], np.nan)
        return self.calibration.visible(features)

    def of_parts(self, bodyparts: Sequence[str]) -> Trust:
        """Return the same with the body parts in another order; of other parts nothing is known."""
        parts = tuple(bodyparts)
        if set(parts) != set(self.bodyparts):
            return Trust(parts, f"it was learned for the body parts {', '.join(self.bodyparts)}")
        order = [self.bodyparts.index(part) for part in parts]
        calibration, postures = self.calibration, self.postures
        if isinstance(calibration, Calibration):
            calibration = replace(calibration, part_offsets=[calibration.part_offsets[part] for part in order])
        if isinstance(postures, Postures):
            axes = np.array([[2 * part, 2 * part + 1] for part in order]).ravel()
            postures = Postures(postures.mean[axes], postures.loadings[axes], postures.noise_px)
        return replace(self, bodyparts=parts, calibration=calibration, postures=postures)


@dataclass(frozen=True)
class Looked:
    """How a network looked at images: its calibration counts for the same alone.

    Parameters
    ----------
    snapshot : str
        Fingerprint of the weights.
    precision : str
        Of the arithmetic.
    crop : (x1, x2, y1, y2) or None
        Of the frames.
    scale : float
        Of the images, relative to their full size.
    """

    snapshot: str
    precision: str = FULL_PRECISION
    crop: Crop | None = None
    scale: float = 1.0

    @property
    def is_full(self) -> bool:
        """Whether the images were looked at as all evaluated ones are: in full precision and size."""
        return self.precision == FULL_PRECISION and self.scale == 1

    def key(self, iteration: int) -> str:
        """Name a snapshot, and how it looked, in a calibration file.

        Examples
        --------
        >>> Looked("hash").key(500), Looked("hash", "int8").key(500), Looked("hash", scale=0.8).key(500)
        ('500', '500, int8', '500, scale 0.8')
        """
        precision = f", {self.precision}" if self.precision != FULL_PRECISION else ""
        return f"{iteration}{precision}{f', scale {self.scale:g}' if self.scale != 1 else ''}"

    def why_other(self, entry: Mapping[str, Any], crop: Crop | None) -> str | None:
        """Say what is different from a calibrated snapshot, or None."""
        if entry["snapshot"] != self.snapshot:
            return f"the snapshot was trained again since it was evaluated: {STEPS}"
        if entry["precision"] != self.precision:
            return (
                f"it was learned with the engine's precision {entry['precision']}, not {self.precision}: {STEPS} with "
                "this engine in myconfig_analysis.py"
            )
        if entry["scale"] != self.scale:
            return (
                f"it was learned with images at a scale of {entry['scale']:g}, not {self.scale:g}: {STEPS} with this "
                "analysisscale in myconfig_analysis.py"
            )
        if crop != self.crop:
            return f"it was learned on images with {crop_in_words(crop)}, not {crop_in_words(self.crop)}"
        return None


def calibration_file(train_folder: Path) -> Path:
    """Return where it lies what an evaluation learned about the networks of a train folder."""
    return train_folder / "calibration.json"


def read_trust(network: Network, crop: Crop | None) -> Trust:
    """Read what is known about the poses that a network finds in videos.

    Parameters
    ----------
    network : Network
        As `find_network` returns it, with the precision and scale that it looks at frames with.
    crop : (x1, x2, y1, y2) or None
        What it looks at in each frame.

    Returns
    -------
    Trust
        Its calibration is a text where nothing is known: why.
    """
    path = calibration_file(network.config_path.parent)
    bodyparts = tuple(network.bodyparts)
    content = read_calibration(path)
    if not content and path.is_file():
        return Trust(bodyparts, f"{path} is damaged: {STEPS} again")
    if not content:
        return Trust(bodyparts, f"the network was not evaluated, or before this was learned: {STEPS}")
    looked = Looked(fingerprint(network.snapshot.path), network.precision, crop, network.scale)
    try:
        return _trust(content, network.snapshot.iteration, looked).of_parts(bodyparts)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return Trust(bodyparts, f"{path} is damaged ({error!r}): {STEPS} again")


def _trust(content: Mapping[str, Any], iteration: int, looked: Looked) -> Trust:
    """Take what counts for one network from the content of a calibration file."""
    snapshots, views = content["snapshots"], tuple(map(tuple, content["views"]))
    if not {part for point in views for part in point} <= set(content["bodyparts"]):
        raise ValueError("its views name other body parts")
    entry = snapshots.get(looked.key(iteration)) or snapshots.get(str(iteration))
    crop: Crop | None = tuple(content["crop"]) if content["crop"] else None
    if entry is None:
        known = ", ".join(snapshots)
        why: str | None = f"snapshot {iteration} was not evaluated, only {known}: {STEPS} with its snapshotindex"
    else:
        why = looked.why_other(entry, crop) or entry["unknown"]
    return Trust(
        bodyparts=tuple(content["bodyparts"]),
        calibration=why or Calibration.from_json(entry["calibration"]),
        views=views,
        planes=tuple(
            Plane(
                tuple(plane["views"]),
                np.array(plane["normal"], float),
                float(plane["offset"]),
                float(plane["spread_px"]),
            )
            for plane in content["planes"]
        ),
        postures=_postures(content["postures"]),
        crop=crop,
        pcutoffs=entry["pcutoff"] if entry and entry["snapshot"] == looked.snapshot else None,
        wanted_px=entry["wantederror"] if entry else 5.0,
    )


def _postures(content: Mapping[str, Any] | str) -> Postures | str:
    """Take postures from a calibration file, or the text that says why there are none."""
    if isinstance(content, str):
        return content
    mean, loadings = (np.array(content[name], dtype=float) for name in ("mean", "loadings"))
    return Postures(mean, loadings, float(content["noise_px"]))


def read_calibration(path: Path) -> dict[str, Any]:
    """Read a calibration file; empty when it is missing, or no such file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) and isinstance(content.get("snapshots"), dict) else {}


def write_calibration(path: Path, trust: Trust, iteration: int, looked: Looked, images: int, labels: int) -> None:
    """Write what was learned about one network; what the file tells of other snapshots, and other looks, stays.

    Parameters
    ----------
    path : Path
        See `calibration_file`.
    trust : Trust
        What was learned.
    iteration : int
        Of the snapshot.
    looked : Looked
        How it looked at the images.
    images, labels : int
        How many it was learned on.

    Raises
    ------
    UsersError
        When the system refuses to write.
    """
    calibration = trust.calibration
    entry = {
        "snapshot": looked.snapshot,
        "precision": looked.precision,
        "scale": looked.scale,
        "images": images,
        "labels": labels,
        "calibration": calibration.as_json() if isinstance(calibration, Calibration) else None,
        "unknown": calibration if isinstance(calibration, str) else None,
        "wantederror": trust.wanted_px,
        "pcutoff": dict(trust.pcutoffs or {}),
    }
    earlier = read_calibration(path)
    is_same_kind = earlier.get("bodyparts") == list(trust.bodyparts) and earlier.get("crop") == _as_list(trust.crop)
    others = earlier["snapshots"] if is_same_kind else {}
    of_labels = _of_labels(trust)
    if not looked.is_full and is_same_kind:  # which was learned from the labels of test images alone
        of_labels = {name: earlier[name] for name in of_labels if name in earlier}
    content = {**of_labels, "snapshots": {**others, looked.key(iteration): entry}, "versions": versions()}
    write_if_changed(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def _of_labels(trust: Trust) -> dict[str, Any]:
    """Return what labels alone tell, as plain values; it counts for all snapshots."""
    postures = trust.postures
    return {
        "bodyparts": list(trust.bodyparts),
        "crop": _as_list(trust.crop),
        "views": list(map(list, trust.views)),
        "planes": [{**asdict(plane), "normal": plane.normal.tolist()} for plane in trust.planes],
        "postures": postures if isinstance(postures, str) else _postures_as_json(postures),
    }


def _postures_as_json(postures: Postures) -> dict[str, Any]:
    """Return postures as plain values."""
    return {"mean": postures.mean.tolist(), "loadings": postures.loadings.tolist(), "noise_px": postures.noise_px}


def _as_list(crop: Crop | None) -> list[int] | None:
    """Return a crop as json holds it."""
    return list(crop) if crop else None


def cutoffs_of(trust: Trust, bodyparts: Sequence[str]) -> tuple[float, ...]:
    """Return the recommended pcutoff of each part; `NEVER` where none is good enough.

    Raises
    ------
    ToolboxError
        When it is not known.
    """
    if not trust.pcutoffs:
        raise ToolboxError(
            f"pcutoff is 'auto', but none was recommended for this network yet: {STEPS}, or set a number"
        )
    cutoffs = [trust.pcutoffs[part] for part in bodyparts]
    return tuple(NEVER if cutoff is None else cutoff for cutoff in cutoffs)
