"""Label, table, video and evaluation code shared by the numbered scripts; needs no network library.

Its packages are named after what a user does; each imports only from packages above it in this list: `measure`,
`project`, `video`, `pictures`, `frames`, `labels`, `training_set` and `poses`, then `analysis`, `evaluation`,
`labeling`, `cameras` and `exchange`, then `steps`.
"""

from dlc_common import UsersError

__version__ = "2.0.0"
SOFTWARE = "deeplabcut-scripts"
"""The name under which files for other programs say who wrote them."""


class ToolboxError(UsersError):
    """A problem in the user's data or settings; scripts print it as one line and exit with code 1."""
