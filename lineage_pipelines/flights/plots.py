"""Small pictures for the asset's page."""

import io
from typing import TYPE_CHECKING

from lineage_pipelines.flights.evaluate import calibration_bins

if TYPE_CHECKING:
    import pandas as pd

_INK, _LINE, _FAINT = "#1f2933", "#2563eb", "#9aa5b1"


def reliability_plot(
    outcome: "pd.Series[float] | pd.Series[bool]", predicted: "pd.Series[float]", *, unit: str
) -> bytes:
    """Return a PNG of a few kilobytes: predicted against observed means, in ten groups of equal size.

    Args:
        outcome: what happened.
        predicted: what the model expected.
        unit: of both axes, `share late` or `minutes late`.
    """
    # Not pyplot: it keeps figures in a global and looks for a display.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bins = calibration_bins(outcome, predicted)
    low = min(0.0, bins["predicted"].min(), bins["observed"].min())
    high = max(bins["predicted"].max(), bins["observed"].max()) * 1.05
    figure = Figure(figsize=(4, 3.4), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([low, high], [low, high], color=_FAINT, linestyle="--", linewidth=1, label="perfect")
    axes.plot(
        bins["predicted"], bins["observed"], color=_LINE, marker="o", markersize=4, label="a tenth of the flights"
    )
    axes.set_xlabel(f"predicted {unit}", color=_INK)
    axes.set_ylabel(f"observed {unit}", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png")
        return buffer.getvalue()
