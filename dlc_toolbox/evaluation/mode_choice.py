"""Which mode a network looks at frames in: the answer that was measured, beside the snapshot.

It counts while the snapshot and its training set stay as they are, so that all machines look in one way, as far as they
can.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlc_common import UsersError
from dlc_common.fingerprints import fingerprint
from dlc_common.locks import alone
from dlc_toolbox.evaluation.modes import SCALES, Figures, Labeled, Mode, fastest, measure, smallest
from dlc_toolbox.poses.network import Network, Predict
from dlc_toolbox.project import records

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What was chosen, and by which figures.

    Parameters
    ----------
    chosen, reference : Figures
        Of the mode, and of float32 on whole images.
    images : int
        How many labeled images they were measured on.
    device : str
        What they were measured on.
    engines : tuple of str
        Those that were compared.
    """

    chosen: Figures
    reference: Figures
    images: int
    device: str
    engines: tuple[str, ...]

    def in_words(self) -> str:
        """Say which mode, what it costs in pixels, and how much faster it is."""
        chosen, reference = self.chosen, self.reference
        on = f"on {self.images} labeled images that did not train it{self.device and f', with {self.device}'}"
        if chosen.mode == reference.mode:
            return f"{chosen.mode}, because nothing faster is as good {on} (mean error {reference.error_px:.2f} px)"
        return (
            f"{chosen.mode}: {reference.seconds / chosen.seconds:.1f} times as fast as {reference.mode}; its poses are "
            f"{chosen.difference_px:.2f} px from those (median), its error {chosen.error_px:.2f} px, not "
            f"{reference.error_px:.2f} px (mean), and {chosen.median_px:.2f} px, not {chosen.reference_median_px:.2f} "
            f"px (median), {on}"
        )


@dataclass(frozen=True)
class Question:
    """Which mode shall be used for a network, and where the answer lies.

    Parameters
    ----------
    network : Network
        Whose poses, in full precision and size.
    answer : Path
        The json file of the answer.
    lock : Path
        An existing file that stands for this work, see `locks.alone`; not the snapshot, which the HDF5 library locks.
    engines : sequence of str
        Those that are compared; the first is the one of float32. Not needed to read the answer.
    engine : str or None
        The one that is used, so that its scale alone is asked for; None: the fastest.
    device : str
        What computes. Not needed to read the answer.
    """

    network: Network
    answer: Path
    lock: Path
    engines: Sequence[str] = ()
    engine: str | None = None
    device: str = ""

    def output(self, labeled: Labeled) -> records.Output:
        """Return the answer with what it would be made from now."""
        asked = {"engine": self.engine, "scales": SCALES, "labels": labeled.described()}
        inputs = {"snapshot": self.network.snapshot.path, **labeled.images}
        made_from = records.describe(inputs, {**self.network.config, **asked})
        return records.Output(self.answer.name, self.answer, [self.answer], made_from)

    def recorded(self) -> Choice | None:
        """Return the answer that was found for this snapshot, whatever became of the labels since."""
        try:
            content = records.read(self.answer)
            if content["inputs"]["snapshot"] != fingerprint(self.network.snapshot.path):
                return None
            return _choice(content)
        except (UsersError, KeyError, TypeError, ValueError, IndexError):
            return None

    def why_open(self, labeled: Labeled, load: Callable[[str], Predict]) -> str | None:
        """Tell why the answer must be found, in words that follow 'because'; None where one holds that is known.

        Parameters
        ----------
        labeled, load
            As for `answered`.
        """
        if stale := self.output(labeled).why_stale():
            return stale
        known = self.recorded()
        if known is None:
            return "it is damaged"
        for engine in [each for each in self.engines if each not in known.engines]:
            with suppress(UsersError):  # it cannot be used, or not yet
                load(engine)
                return f"{engine} had not been compared"
        if known.device != self.device:
            try:
                load(known.chosen.mode.engine)
            except UsersError as error:
                return str(error)
        return None

    def answered(
        self,
        labeled: Labeled,
        load: Callable[[str], Predict],
        clock: Callable[[], float],
        begin: Callable[[], None] = lambda: None,
    ) -> Choice:
        """Return the answer; measure what is needed for it, once, while other processes that ask for it wait.

        Parameters
        ----------
        labeled : Labeled
            The images to measure on.
        load : callable
            Makes the predictor of an engine; it raises UsersError where that cannot or must not be used.
        clock : callable
            See `measure`.
        begin : callable, optional
            Called before anything is measured.

        Returns
        -------
        Choice
            What to use.

        Raises
        ------
        UsersError
            When float32 cannot be loaded, an image is damaged, or the system refuses to write.
        """
        with alone(self.lock):
            if why := self.why_open(labeled, load):
                output = self.output(labeled)
                begin()
                output.log(why)
                figures, refused = self._measure(labeled, load, clock)
                chosen = smallest(figures, self.engine) if self.engine else fastest(figures)
                output.write_record(**_as_json(figures, chosen, refused, labeled), device=self.device)
            known = self.recorded()
        assert known is not None
        return known

    def _measure(
        self, labeled: Labeled, load: Callable[[str], Predict], clock: Callable[[], float]
    ) -> tuple[list[Figures], dict[str, str]]:
        """Return the figures of all modes in question, and why an engine has none."""
        float32, *others = self.engines
        predictors, refused = {float32: load(float32)}, {}
        for engine in others:
            try:
                predictors[engine] = load(engine)
            except UsersError as error:
                if engine == self.engine:
                    raise
                refused[engine] = str(error)
                log.info("%s is left out: %s", engine, error)
        asked = [self.engine] if self.engine else list(predictors)
        return measure(labeled, predictors, scaled_engines=asked, to_the_end=bool(self.engine), clock=clock), refused


def _as_json(
    figures: Sequence[Figures], chosen: Figures, refused: Mapping[str, str], labeled: Labeled
) -> dict[str, Any]:
    """Return an answer as plain values."""
    labels = int(np.isfinite(labeled.labels).all(axis=-1).sum())
    return {
        "chosen": figures.index(chosen),
        "modes": [{**asdict(each), "keeps_promise": each.keeps_promise} for each in figures],
        "refused": dict(refused),
        "images": len(labeled.images),
        "labels": labels,
    }


def _choice(content: Mapping[str, Any]) -> Choice:
    """Take an answer from a record."""
    figures = list(_read_figures(content["modes"]))
    device, engines = str(content.get("device", "")), tuple(each.mode.engine for each in figures)
    return Choice(figures[content["chosen"]], figures[0], int(content["images"]), device, engines)


def _read_figures(modes: Sequence[Mapping[str, Any]]) -> Iterator[Figures]:
    """Yield the figures that a record tells."""
    for told in modes:
        values = {key: value for key, value in told.items() if key not in ("mode", "keeps_promise")}
        yield Figures(mode=Mode(**told["mode"]), **{key: float(value) for key, value in values.items()})
