"""Label, table, video and evaluation code shared by the numbered scripts; needs no network library."""

__version__ = "2.0.0"


class ToolboxError(Exception):
    """A problem in the user's data or settings; scripts print it as one line and exit with code 1."""
