"""The figure of the case study: what LCL gains on each class set, from the least to the most often confused."""

import pandas as pd
from matplotlib.figure import Figure

from lclstudy.plan import names
from lclstudy.results.comparisons import PRIMARY
from lclstudy.results.published import DOUBTED
from lclstudy.show.plots import forests
from lclstudy.show.style import SMALLEST


def gains(differences: pd.DataFrame, gained: pd.DataFrame) -> Figure | None:
    """LCL from CE and from SCL on each set of `tables.differences`, a panel each, with the words; None if LCL did not run. Rows
    are sorted by `confusion` of `tables.gains`."""
    shares = gained.drop_duplicates("set").set_index("set")["confusion"]
    rows = differences[differences["a"] == "lcl"]
    rows = rows.assign(share=rows["set"].map(shares).astype(float))
    labels = [
        names.class_set(row.set)
        + (f": {row.share:.0f} % confused" if row.share >= 0 else "")
        + ", in doubt" * (row.set == DOUBTED)
        for row in rows.itertuples()
    ]
    figure = forests(rows.assign(label=labels).sort_values("share", kind="stable"), PRIMARY)
    if figure and len(shares):
        said = "What LCL gains, on sets of classes from the least to the most often confused\n"
        said += "confused: validation texts of the set that our CE on all classes takes for another class of the set"
        figure.suptitle(said, x=0.01, ha="left", size=SMALLEST + 1)
        figure.axes[-1].set_xlabel("gain of LCL: difference of test accuracy (points)")
    return figure
