"""How tests draw on axes of their own."""

from lclstudy.show import style
from tests.material import check_readable


def drawn(draw, *arguments, height, width=style.DOUBLE, columns=1):
    """The axes (one, or a row of `columns`) that `draw` was given last and drew on, whose texts can all be read."""
    figure, axes = style.subplots(1, columns, width, height)
    place = axes if columns > 1 else axes[0]
    draw(*arguments, place)
    check_readable(figure)
    return place
