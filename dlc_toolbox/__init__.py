"""Label, table, video and evaluation code shared by the numbered scripts; needs no network library."""

__version__ = "2.0.0"


class ToolboxError(Exception):
    """A problem in the user's data or settings; scripts print it as one line and exit with code 1."""

    def _render_traceback_(self) -> list[str]:
        """Let a notebook show this line alone; IPython looks for a method of this name."""
        return [f"Error: {self}"]
