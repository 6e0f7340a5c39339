"""The one kind of error that a user of the study can mend."""


class StudyError(ValueError):
    """A wrong setting, file or name.

    The message is one line that says what was given, what is allowed, and how to mend it. Command lines print the message
    alone; a traceback is kept for errors of any other kind, because those are ours.
    """

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows, by IPython's protocol: the one line."""
        return [f"{type(self).__name__}: {self}"]


def unknown(kind: str, given: object, allowed) -> StudyError:
    """The error for a name that is not in a list: `unknown("corpus", "emotint", names)`."""
    from difflib import get_close_matches

    names = [str(name) for name in allowed]
    close = get_close_matches(str(given), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return StudyError(f"Unknown {kind} {given!r}; allowed: {', '.join(names)}.{hint}")


def check_known(kind: str, given: object, allowed) -> None:
    """Raises `unknown` unless the name is one of those allowed."""
    if given not in allowed:
        raise unknown(kind, given, allowed)
