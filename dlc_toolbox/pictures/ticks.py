"""The numbers at the axes of plots."""

from __future__ import annotations

from matplotlib.axis import XAxis, YAxis
from matplotlib.ticker import LogFormatter


def logarithmic(axis: XAxis | YAxis) -> None:
    """Give an axis a logarithmic scale with plain numbers, such as 4 and not 4 x 10^0, at the ticks that have room.

    Parameters
    ----------
    axis : XAxis or YAxis
        Of axes that hold nothing yet.
    """
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(_Plain(minor_thresholds=(1, 0.4)))


class _Plain(LogFormatter):
    """Labels the ticks between powers of ten that matplotlib labels where an axis spans few of them."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a tick."""
        return f"{x:g}" if super().__call__(x, pos) else ""
