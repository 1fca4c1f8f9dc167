"""When the frames of a recording are shown, as the record of its poses tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlc_toolbox import ToolboxError

_DAMAGED = "the record of its poses (_meta.json) is damaged"
_AGAIN = ": analyze the video again, with AnalyzeVideos.py --overwrite"


@dataclass(frozen=True)
class Clock:
    """The clock of a recording.

    Parameters
    ----------
    fps : float or None
        Frames per second, the mean where frames come at uneven times; None where nothing told it.
    times_s : ndarray of shape (N,), optional
        When each frame is shown, where frames come at uneven times.
    """

    fps: float | None
    times_s: np.ndarray | None = None

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> Clock:
        """Take what the record of a pose table tells; a rate that was only assumed is none.

        Raises
        ------
        ToolboxError
            When these are no numbers, or not one for each frame.

        Examples
        --------
        >>> Clock.recorded({"fps": 25.0, "fps_is_assumed": True})
        Clock(fps=None, times_s=None)
        """
        if record.get("fps_is_assumed") or not record.get("fps"):
            return cls(None)
        times = record.get("frame_times_s")
        try:
            clock = cls(float(record["fps"]), None if times is None else np.array(times, dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise ToolboxError(f"{_DAMAGED} (fps or frame_times_s: {error}){_AGAIN}") from error
        if clock.times_s is not None and clock.times_s.shape != (record.get("frames", clock.times_s.size),):
            raise ToolboxError(f"{_DAMAGED} (frame_times_s has not one time for each frame){_AGAIN}")
        return clock

    @property
    def is_even(self) -> bool:
        """Whether the frames come at even times, one every 1 / `fps`."""
        return self.times_s is None

    @property
    def even_fps(self) -> float | None:
        """Frames per second where that tells when each is shown: at even times, at a rate that is known.

        >>> Clock(fps=4.0).even_fps, Clock(4.0, np.array([0, 0.1, 0.5])).even_fps
        (4.0, None)
        """
        return self.fps if self.is_even else None

    def seconds(self, first: int, count: int) -> np.ndarray | None:
        """Return when frames are shown.

        Parameters
        ----------
        first : int
            Number of the first of them.
        count : int
            How many.

        Returns
        -------
        ndarray of shape (count,) or None
            In seconds after frame 0; None where nothing tells it.

        Examples
        --------
        >>> Clock(fps=4.0).seconds(2, 3).tolist()
        [0.5, 0.75, 1.0]
        """
        if self.times_s is not None:
            return self.times_s[first : first + count]
        return None if self.fps is None else np.arange(first, first + count) / self.fps
