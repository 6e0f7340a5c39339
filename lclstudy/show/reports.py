"""The old name of `runs`; to be removed when no notebook imports it."""

from .runs import *  # noqa: F403
