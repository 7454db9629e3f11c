"""Plots for the asset's page."""

import io
from typing import TYPE_CHECKING

from lineage_pipelines.flights.models.flight_metrics import calibration_bins

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_COLOURS = 16
_INK, _LINE, _FAINT = "#1f2933", "#2563eb", "#9aa5b1"


def reliability_plot(
    outcome: "pd.Series[float] | pd.Series[bool]", predicted: "pd.Series[float]", *, unit: str
) -> bytes:
    """Return a PNG of about 4 kB: predicted against observed means, in ten groups of equal size.

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
    return _small_png(figure)


def _small_png(figure: "Figure") -> bytes:
    """In sixteen colours, a fifth of the bytes: an event has room for 20 kB in all."""
    from PIL import Image

    with io.BytesIO() as large, io.BytesIO() as small:
        figure.savefig(large, format="png")
        picture = Image.open(large).convert("RGB").quantize(_COLOURS)
        picture.save(small, format="png", optimize=True)
        return small.getvalue()
