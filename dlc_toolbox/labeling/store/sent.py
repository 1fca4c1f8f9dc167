"""From what a page sends to changes of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dlc_toolbox.labeling.errors import WrongInputError
from dlc_toolbox.labeling.files.imagelabels import Change, ImageLabels
from dlc_toolbox.labeling.files.merge import NOT_VISIBLE, Value

_FARTHEST_PX = 1e6

Machine = Mapping[str, tuple[float, float, float | None]]


def read_change(sent: Mapping[str, Any], bodyparts: Sequence[str], machine: Machine, network: str | None) -> Change:
    """Check what a page sends about one image.

    Parameters
    ----------
    sent : mapping
        ``points`` that change, and, optionally, ``accepted`` and ``left_out``.
    bodyparts : sequence of str
        All there are.
    machine : mapping of str to (float, float, float or None)
        Machine labels of the image: x, y and likelihood by body part.
    network : str or None
        Whose they are.

    Returns
    -------
    Change
        Only parts that are indeed where the network found them, or another part (left and right were swapped), count
        as accepted.

    Raises
    ------
    WrongInputError
        When it makes no sense.
    """
    points, parts, left_out = sent.get("points", {}), sent.get("accepted") or [], sent.get("left_out")
    if not isinstance(points, dict):
        raise WrongInputError("points must name body parts and places")
    unknown = [part for part in points if part not in bodyparts]
    if unknown:
        raise WrongInputError(f"{', '.join(unknown)} is none of bodyparts in myconfig.py: reload the page")
    if not isinstance(parts, list) or any(not isinstance(part, str) or part not in points for part in parts):
        raise WrongInputError("accepted must list parts that are among points")
    if left_out is not None and not isinstance(left_out, bool):
        raise WrongInputError("left_out must be true or false")
    checked = {part: _checked(part, value) for part, value in points.items()}
    found = {(x, y) for x, y, _ in machine.values()}
    accepted = {part: network for part in parts if checked[part] in found}
    return Change(checked, accepted, left_out)


def acceptable(
    labels: ImageLabels, machine: Machine, parts: Sequence[str] | None, likelihood: float | None
) -> dict[str, Value]:
    """Return the machine labels of an image that may be taken over.

    Parameters
    ----------
    labels : ImageLabels
        What a person has said of the image: machine labels count only where that is nothing.
    machine : mapping of str to (float, float, float or None)
        Its machine labels.
    parts : sequence of str or None
        Only these body parts.
    likelihood : float or None
        Only those that are known to be at least so likely.
    """
    if labels.left_out:
        return {}
    return {
        part: (x, y)
        for part, (x, y, certain) in machine.items()
        if labels.points.get(part, NOT_VISIBLE) is None
        and (parts is None or part in parts)
        and (likelihood is None or (certain is not None and certain >= likelihood))
    }


def _checked(part: str, value: object) -> Value:
    """Return a point that was sent; raise WrongInputError when it is none."""
    if value is None or value == NOT_VISIBLE:
        return NOT_VISIBLE if value else None
    if isinstance(value, list) and len(value) == 2 and all(map(_is_near, value)):
        return float(value[0]), float(value[1])
    raise WrongInputError(f"{part} must be [x, y] in pixels, {NOT_VISIBLE!r} or null, not {value!r:.80}")


def _is_near(number: object) -> bool:
    """Tell a number that may be a coordinate."""
    return isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= _FARTHEST_PX
