"""The figures of the audit: what is printed against what follows from it. Each draws on the axes given and returns them.

Printed statements are blue, what follows is black; a line is the interval that rounding of the printed numbers allows.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from lclstudy.errors import StudyError
from lclstudy.plan import names
from lclstudy.show.style import NEUTRAL, SMALLEST, colour, marker, style

PRINTED, BAND, FOLLOWS = "#0072B2", "#BBD9EE", "#000000"
SMALLEST_P = 1e-6  # what is smaller is drawn there
_ALLOWED = {"color": FOLLOWS, "linewidth": 0.9}
_POINT = {"color": FOLLOWS, "marker": "o", "markersize": 3.5, "linestyle": "none", "markerfacecolor": "white"}


@style()
def t_ratios(audited: pd.DataFrame, titles: dict[str, str], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Computed over printed t of every test with a printed t, a panel per group of readings that give the same t.

    `audited` is of `rounding.audit`, `titles` what the readings are called. Panels that are left over are removed. Raises
    StudyError if there are more groups than axes.
    """
    printed = audited[audited["t_printed"].notna()]
    groups = _same_t(printed)
    if len(groups) > len(axes):
        raise StudyError(f"The readings give {len(groups)} different columns of t; given {len(axes)} axes.")
    for ax in axes[len(groups) :]:
        ax.remove()
    for ax, readings in zip(axes, groups, strict=False):
        rows = printed[printed["reading"] == readings[0]]
        ratio = rows["t"] / rows["t_printed"]
        ax.hlines(range(len(rows)), rows["t_low"] / rows["t_printed"], rows["t_high"] / rows["t_printed"], **_ALLOWED)
        ax.plot(ratio, range(len(rows)), **_POINT)
        ax.axvline(1, color=PRINTED, linewidth=1.2, zorder=0)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator([0.5, 0.65, 0.8, 1, 1.25, 1.5, 2]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        inside = int((rows["t_fits"] == "possibly").sum())
        away = float(np.exp(np.log(ratio).mean()))
        ax.set_title(f"{_joined([titles[key] for key in readings])}\n{inside} of {len(rows)} possible; mean ratio {away:.2f}")
        ax.set_xlabel("computed t / printed t")
        _rows(ax, [f"{row.test}, t = {row.t_printed:.2f}" for row in rows.itertuples()])
        ax.grid(visible=False, axis="x")
    _same_reach(axes[: len(groups)])
    return axes


def _same_t(printed: pd.DataFrame) -> list[list[str]]:
    """The readings, those together that give the same t for all tests."""
    by_reading = printed.pivot(index="test", columns="reading", values="t")[list(dict.fromkeys(printed["reading"]))]
    groups: list[list[str]] = []
    for key in by_reading:
        like = [group for group in groups if np.allclose(by_reading[group[0]], by_reading[key], rtol=1e-9, equal_nan=True)]
        like[0].append(key) if like else groups.append([key])
    return groups


def _joined(titles: list[str]) -> str:
    """`Welch or Student, SD over n` for `Welch, SD over n` and `Student, SD over n`."""
    heads, tails = zip(*(title.split(", ", 1) for title in titles), strict=True)
    return f"{' or '.join(heads)}, {tails[0]}" if len(set(tails)) == 1 else " or ".join(titles)


def _same_reach(axes: Sequence[Axes]) -> None:
    low, high = min(ax.get_xlim()[0] for ax in axes), max(ax.get_xlim()[1] for ax in axes)
    for number, ax in enumerate(axes):
        ax.set_xlim(low, high)
        if number:
            ax.set_yticklabels([])


def _rows(ax: Axes, labels: list[str]) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="both")
    ax.set_axisbelow(True)


@style()
def degrees_of_freedom(degrees: pd.DataFrame, ax: Axes) -> Axes:
    """The degrees of freedom that each printed t and p imply together, and those of Welch's, Student's and a paired test.

    `degrees` is of `rounding.degrees_of_freedom`.
    """
    top = 2.2 * degrees["student"].max()
    for place, row in enumerate(degrees.itertuples()):
        high = min(row.implied_high, top * 2)
        ax.barh(place, high - row.implied_low, left=row.implied_low, height=0.75, color=BAND)
        ax.plot([row.implied_low, row.implied_high], [place, place], linestyle="none", marker="|", markersize=8, color=PRINTED)
        ax.plot([row.welch_low, row.welch_high], [place, place], **_ALLOWED)
    places = range(len(degrees))
    ax.plot(degrees["welch"], places, **_POINT)
    ax.plot(degrees["student"], places, linestyle="none", marker="s", markersize=3.5, color="#D55E00")
    ax.plot(degrees["paired"], places, linestyle="none", marker="x", markersize=3.5, color=NEUTRAL)
    ax.set_xscale("log")
    ax.set_xlim(3.2, top)
    ax.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 4, 6)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    p = [f"p {row.p_relation} {row.p_printed:g}" for row in degrees.itertuples()]
    _rows(ax, [f"{row.test}, t = {row.t_printed:.2f}, {said}" for row, said in zip(degrees.itertuples(), p, strict=True)])
    ax.set(xlabel="degrees of freedom")
    fits = {kind: int(degrees["fits"].str.contains(kind).sum()) for kind in ("welch", "student", "paired")}
    ax.set_title(f"Of {len(degrees)} printed pairs of t and p, {fits['welch']} fit Welch's test")
    handles = [
        Patch(color=BAND, label="the printed t and p need"),
        Line2D([], [], label=f"Welch's test has (fits {fits['welch']})", **{**_POINT, "linestyle": "-", "linewidth": 0.9}),
        Line2D(
            [],
            [],
            linestyle="none",
            marker="s",
            markersize=3.5,
            color="#D55E00",
            label=f"Student's has (fits {fits['student']})",
        ),
        Line2D(
            [],
            [],
            linestyle="none",
            marker="x",
            markersize=3.5,
            color=NEUTRAL,
            label=f"a paired test has (fits {fits['paired']})",
        ),
    ]
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=2)
    return ax


@style()
def p_values(audited: pd.DataFrame, readings: Sequence[str], titles: dict[str, str], axes: Sequence[Axes]) -> Sequence[Axes]:
    """What the paper says of p (blue) and the p that follows under some readings, a panel each; a row per test.

    Values below 1e-6 are drawn there. Raises StudyError if there are not as many axes as readings.
    """
    if len(readings) != len(axes):
        raise StudyError(f"{len(readings)} readings need as many axes; given {len(axes)}.")
    for ax, key in zip(axes, readings, strict=True):
        rows = audited[audited["reading"] == key].reset_index(drop=True)
        for place, row in enumerate(rows.itertuples()):
            ax.barh(place, **_statement(row), height=0.75, color=BAND)
            if row.p_relation == "=":
                ax.plot(row.p_printed, place, color=PRINTED, marker="D", markersize=4)
        shown = rows[["p", "p_low", "p_high"]].clip(lower=SMALLEST_P)
        ax.hlines(range(len(rows)), shown["p_low"], shown["p_high"], **_ALLOWED)
        ax.plot(shown["p"], range(len(rows)), **_POINT)
        ax.set_xscale("log")
        ax.set_xlim(SMALLEST_P / 1.5, 1.3)
        ax.xaxis.set_major_locator(LogLocator(10, numticks=4))
        ax.axvline(0.05, color=NEUTRAL, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
        possible = int((rows["p_fits"] != "never").sum())
        ax.set_title(f"{titles[key]}\n{possible} of {len(rows)} statements possible")
        ax.set_xlabel("two-sided p (dashed: 0.05)")
        _rows(ax, [f"{row.test}, p {row.p_relation} {row.p_printed:g}" for row in rows.itertuples()])
    for ax in axes[1:]:
        ax.set_yticklabels([])
    handles = [
        Line2D([], [], linestyle="none", marker="D", markersize=4, color=PRINTED, label="printed value"),
        Patch(color=BAND, label="printed bound, or rounding of the value"),
        Line2D([], [], label="follows; line: by rounding", **{**_POINT, "linestyle": "-", "linewidth": 0.9}),
    ]
    axes[0].get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=3)
    return axes


def _statement(row) -> dict[str, float]:
    """Where p is said to lie, as the left end and the width of a bar."""
    if row.p_relation == "=":
        return {"left": row.p_printed - row.p_rounding, "width": 2 * row.p_rounding}
    low, high = (SMALLEST_P / 2, row.p_printed) if row.p_relation == "<" else (row.p_printed, 1.0)
    return {"left": low, "width": high - low}


@style()
def differences(compared: pd.DataFrame, pairs: Sequence[tuple[str, str]], axes: Sequence[Axes]) -> Axes | Sequence[Axes]:
    """Published differences of mean accuracy with 95 % intervals (Welch), a panel per pair of objectives, a row per place.

    `compared` has `label`, `a`, `b`, `difference`, `ci_low`, `ci_high`. Raises StudyError unless there are as many axes as
    pairs.
    """
    if len(pairs) != len(axes):
        raise StudyError(f"{len(pairs)} pairs of objectives need as many axes; given {len(axes)}.")
    labels = list(dict.fromkeys(compared["label"]))
    reach = 1.08 * compared[["difference", "ci_low", "ci_high"]].abs().max().max()
    for ax, (a, b) in zip(axes, pairs, strict=True):
        rows = compared[(compared["a"] == a) & (compared["b"] == b)]
        places = [labels.index(label) for label in rows["label"]]
        ax.axvline(0, color=NEUTRAL, linewidth=0.8)
        ax.hlines(places, rows["ci_low"], rows["ci_high"], color=colour(a), linewidth=1.1)
        ax.plot(rows["difference"], places, linestyle="none", marker=marker(a), color=colour(a))
        _rows(ax, labels)
        ax.set_xlim(-reach, reach)
        clear = int((rows["ci_low"] > 0).sum())
        ax.set_title(f"{names.objective(a)} − {names.objective(b)}\n95 % interval above 0 in {clear} of {len(rows)}")
        ax.set_xlabel("difference of test accuracy (points)")
    for ax in axes[1:]:
        ax.set_yticklabels([])
    return axes


@style()
def above_majority(table: pd.DataFrame, ax: Axes) -> Axes:
    """Accuracies of the report beside the largest class of the public test texts; `table` is of `report.majority`."""
    corpora = list(dict.fromkeys(table.sort_values("share", kind="stable")["corpus"]))
    shifts = {"ce": -0.22, "scl": 0.0, "lcl": 0.22}
    for row in table.itertuples():
        place = corpora.index(row.corpus) + shifts.get(row.objective, 0.0)
        face = colour(row.objective) if row.encoder == "electra-base" else "white"
        ax.plot(row.value, place, marker=marker(row.objective), color=colour(row.objective), markerfacecolor=face)
    for place, corpus in enumerate(corpora):
        row = table[table["corpus"] == corpus].iloc[0]
        ax.barh(place, row["share"], height=0.8, color="#DDDDDD", zorder=0)
        ax.text(1, place, f"{row['share']:.1f} %", va="center", size=SMALLEST)
    texts = table.drop_duplicates("corpus").set_index("corpus")["texts"]
    _rows(ax, [f"{names.corpus(corpus)} ({texts[corpus]:,} texts)" for corpus in corpora])
    ax.grid(visible=False, axis="y")
    ax.set_xlim(0, 100)
    ax.set_xlabel("test accuracy (%)")
    ax.set_title("The report's accuracies, and what always naming the largest class would get")
    look = {"linestyle": "none", "markersize": 4}
    handles = [Patch(color="#DDDDDD", label="largest class of the test texts")]
    handles += [Line2D([], [], marker=marker(name), color=colour(name), label=names.objective(name), **look) for name in shifts]
    handles += [
        Line2D([], [], marker="o", color=NEUTRAL, markerfacecolor="white", label="open: an encoder other than ELECTRA", **look)
    ]
    ax.get_figure(root=True).legend(handles=handles, loc="outside lower center", ncols=5, columnspacing=1.2, handletextpad=0.3)
    return ax


@style()
def temperature_reach(searches: dict[str, Sequence[float]], rows: int, ax: Axes, reach=lambda value: 2 / value) -> Axes:
    """How far a contrastive term can move from that of equal shares at the temperatures that each paper tried.

    `searches` names the papers; `rows` K of the batch, for log(K − 1); `reach` gives the bound in nats for a temperature.
    """
    looks = [(PRINTED, "D"), ("#D55E00", "^")]
    every = [value for values in searches.values() for value in values]
    line = np.geomspace(min(every), max(every), 100)
    ax.plot(line, [reach(value) for value in line], color=NEUTRAL, linewidth=0.8, zorder=0)
    for (paper, values), (shade, shape) in zip(searches.items(), looks, strict=False):
        ax.plot(values, [reach(value) for value in values], linestyle="none", color=shade, marker=shape, label=paper)
        for value in values:
            below = any(value < other < 2 * value for other in every)  # its upper right is taken by the next one
            place = {"xytext": (-5, -3), "ha": "right", "va": "top"} if below else {"xytext": (5, 3)}
            ax.annotate(
                f"τ = {value:g}", (value, reach(value)), textcoords="offset points", size=SMALLEST, color=shade, **place
            )
    usual = np.log(rows - 1)
    ax.axhline(usual, color=NEUTRAL, linewidth=0.6, linestyle=(0, (4, 3)))
    ax.annotate(f"the term itself at equal shares: log({rows} − 1) = {usual:.1f}", (1, usual), (0, 3), va="bottom", ha="right",
                xycoords=ax.get_yaxis_transform(), textcoords="offset points", size=SMALLEST, color=NEUTRAL)  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="temperature τ")
    ax.set_ylabel("largest distance from equal shares (nats)")
    ax.set_title(f"What the loss can tell at the temperatures tried (K = {rows} rows)")
    ax.set_xlim(line[0] / 3, line[-1] * 4)
    ax.legend(loc="lower left")
    return ax
