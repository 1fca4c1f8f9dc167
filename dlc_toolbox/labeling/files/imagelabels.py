"""The labels of one image, and what changes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from dlc_toolbox.labeling.files.merge import Value
from dlc_toolbox.labeling.files.notes import ImageNotes


@dataclass(frozen=True)
class ImageLabels:
    """The labels of one image.

    Parameters
    ----------
    points : dict of str to Value
        By body part, every one.
    accepted : tuple of str
        Parts whose labels are machine labels taken over unmoved.
    left_out : bool
        Whether Step 2 is to see no label of the image.
    notes : ImageNotes
        What else is known.
    """

    points: dict[str, Value]
    accepted: tuple[str, ...]
    left_out: bool
    notes: ImageNotes

    @property
    def state(self) -> str:
        """``open``, ``begun``, ``done`` or ``left out``."""
        if self.left_out:
            return "left out"
        said = [value for value in self.points.values() if value is not None]
        return "open" if not said else "done" if len(said) == len(self.points) else "begun"

    @property
    def placed(self) -> dict[str, tuple[float, float]]:
        """The points of the parts that have one."""
        return {part: value for part, value in self.points.items() if isinstance(value, tuple)}

    @property
    def version(self) -> str:
        """Name of this content."""
        said = repr((sorted(self.points.items()), self.accepted, self.left_out))
        return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Change:
    """What a person changes in one image.

    Parameters
    ----------
    points : mapping of str to Value
        Only the parts that change.
    accepted : mapping of str to (str or None)
        Those of them that are machine labels taken over unmoved, and by which network.
    left_out : bool, optional
        Leave the image out, or take it back.
    """

    points: Mapping[str, Value] = field(default_factory=dict)
    accepted: Mapping[str, str | None] = field(default_factory=dict)
    left_out: bool | None = None
