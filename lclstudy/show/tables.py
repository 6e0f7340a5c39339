"""Old names of what moved to `results.main_table`, `results.comparisons` and `text`; to go when no room imports them."""

from lclstudy.results.comparisons import comparisons, published_comparisons
from lclstudy.results.main_table import ALL_CLASSES, NOT_RUN, main_results

from .export import save
from .text import mean as mean_and_deviation
from .text import p_value

__all__ = ["ALL_CLASSES", "NOT_RUN", "comparisons", "main_results", "mean_and_deviation", "p_value", "published_comparisons"]
__all__ += ["save"]
