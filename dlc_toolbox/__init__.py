"""Label, table, video and evaluation code shared by the numbered scripts; needs no network library."""

__version__ = "2.0.0"


class ToolboxError(Exception):
    """A problem in the user's data or settings; scripts print it as one line and exit with code 1."""

    def _render_traceback_(self) -> list[str]:
        """Let a notebook show this line alone; IPython looks for a method of this name."""
        return [f"Error: {self}"]


def is_users_error(error: Exception) -> bool:
    """Tell an error of the user's data, settings or disk from a defect of ours.

    Parameters
    ----------
    error : Exception
        What was raised.

    Returns
    -------
    bool
        True for the errors of both packages and for a system error that names a file.

    Examples
    --------
    >>> is_users_error(PermissionError(13, "Permission denied", "nose.csv")), is_users_error(KeyError("nose"))
    (True, False)
    """
    is_about_a_file = isinstance(error, OSError) and error.filename is not None
    return is_about_a_file or type(error).__name__ in {"ToolboxError", "DeepercutError"}
