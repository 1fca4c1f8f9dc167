"""What keeps the labeling page from doing what it is asked."""

from __future__ import annotations

from typing import Any

from dlc_toolbox import ToolboxError


class UnknownError(ToolboxError):
    """There is no such folder, image, video or question."""


class RefusedError(ToolboxError):
    """Nothing can be written here now."""


class WrongInputError(ToolboxError):
    """What was sent makes no sense."""


class BusyError(ToolboxError):
    """Another job is running."""


class StaleError(ToolboxError):
    """The image was changed since the sender saw it.

    Parameters
    ----------
    state : dict
        The present state.
    """

    def __init__(self, state: dict[str, Any]):
        super().__init__("the labels of this image have changed")
        self.state = state
