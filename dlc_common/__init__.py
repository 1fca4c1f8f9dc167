"""What both libraries stand on: errors, files, locks, images, the training-set file, versions, the command line.

Here lives what knows files and images and nothing of networks, videos or projects.
"""

__version__ = "2.0.0"


class UsersError(Exception):
    """A problem in the user's data, settings or disk; scripts print it as one line and exit with code 1."""

    def _render_traceback_(self) -> list[str]:
        """Let a notebook show this line alone; IPython looks for a method of this name."""
        return [f"Error: {self}"]


def is_users_error(error: BaseException) -> bool:
    """Tell an error of the user's data, settings or disk from a defect of ours.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    bool
        True for `UsersError` and for a system error that names a file.

    Examples
    --------
    >>> is_users_error(PermissionError(13, "Permission denied", "nose.csv")), is_users_error(KeyError("nose"))
    (True, False)
    """
    return isinstance(error, UsersError) or (isinstance(error, OSError) and error.filename is not None)


def in_words(error: BaseException) -> str:
    """Say an error of the user's, as `is_users_error` tells it.

    Examples
    --------
    >>> in_words(FileNotFoundError(2, "No such file or directory", "nose.csv"))
    'nose.csv: No such file or directory'
    """
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    why = ". Is it open in another program, or does it belong to another user?"
    return f"{error.filename}: {error.strerror}{why if isinstance(error, PermissionError) else ''}"
