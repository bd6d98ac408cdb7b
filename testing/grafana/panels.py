"""The kinds of panels of the dashboard, and its variables."""

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    LegendDisplayMode,
    LegendPlacement,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
HEIGHT = 8

Panel = timeseries.Panel | heatmap.Panel | bargauge.Panel | table.Panel

Query = tuple[str, str]
"""An expression, and the legend of its series."""


def variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """Return a variable with the values of a label, all of them by default."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all", selected=True))
    )


def _query(expression: str, legend: str = "") -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend)


def lines(title: str, queries: list[Query], unit: str = units.Short) -> Panel:
    """Return a panel with a line for each series."""
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    panel = timeseries.Panel().title(title).unit(unit).min(0).height(HEIGHT).datasource(SOURCE)
    panel.legend(legend)
    for letter, (expression, name) in zip("ABCDEF", queries, strict=False):
        panel.with_target(_query(expression, name).ref_id(letter))
    return panel


def heat_map(title: str, expression: str, unit: str = units.Seconds) -> Panel:
    """Return a heat map of a histogram's buckets."""
    colours = (
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.SCHEME)
        .scheme("Oranges")
        .scale(HeatmapColorScale.EXPONENTIAL)
        .exponent(0.5)
        .steps(64)
    )
    return (
        heatmap.Panel()
        .title(title)
        .height(HEIGHT)
        .datasource(SOURCE)
        .calculate(calculate=False)
        .color(colours)
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .with_target(_query(expression, "{{le}}").format(PromQueryFormat.HEATMAP).ref_id("A"))
    )


def bars(title: str, expression: str, legend: str) -> Panel:
    """Return a panel with a bar for each series, of its last value."""
    return (
        bargauge.Panel()
        .title(title)
        .height(HEIGHT)
        .datasource(SOURCE)
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .min(0)
        .with_target(_query(expression, legend).instant().ref_id("A"))
    )


def table_of(title: str, expression: str) -> Panel:
    """Return a table of the labels of series, with their last values."""
    query = _query(expression).instant().format(PromQueryFormat.TABLE).ref_id("A")
    return table.Panel().title(title).height(HEIGHT).datasource(SOURCE).with_target(query)
