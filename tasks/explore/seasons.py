"""When customers buy: months, weeks and weekdays, and who comes, comes back and stays away.

A customer is *new* in the month of the first purchase that the data know of, *returned* in one whose purchase came
more than `lost_after` days after the one before, and *repeat* in any other month with a purchase. A customer is *lost*
in the month of a purchase after which none came for more than `lost_after` days. Whoever bought shortly before the end
of the data may yet come back: how many were lost is not known of the last `lost_after` days, and no figure is given
there. So new + returned − lost is what the number of active customers grew by.
"""

from __future__ import annotations

from calendar import day_name
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from cxai_runner.evaluation.results import Content, Figure, Finding, Table
from cxai_runner.evaluation.wording import number, share

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SLACK = 3
"""Days at the beginning or end of a month on which nobody need have bought for it to count as whole."""
_UNLIKE = 1.05
_MOST_WEEKS = 160
_MOST_MONTHS = 48


def said(others: Mapping[str, pd.DataFrame], facts: Mapping[str, Any]) -> Iterator[Content]:
    """Yield tables and pictures of time; words where the source does not say when, or all of it is one day."""
    if "since" not in facts or "days" not in others:
        if facts.get("looked") == "panel":
            told = "Occasions are numbered and not dated: there are no seasons, and nobody is new or lost in a month."
            yield Finding(told, "caveat")
        return
    days = others["days"]
    since, until = pd.Timestamp(facts["since"]), pd.Timestamp(facts["until"])
    if len(days) < 2:
        yield Finding(
            f"Everything was bought on one day, {since:%Y-%m-%d}: there is no season, and no return.", "caveat"
        )
        return
    months = by_month(days, since, until, int(facts["lost_after"]))
    yield from _flow(months, facts)
    yield from _revenue(months)
    yield from _weeks(days, since, until)
    yield from _weekdays(days, since, until)
    yield from _calendar(months)
    yield from _silence(days, since, until)


def by_month(days: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp, lost_after: int) -> pd.DataFrame:
    """Return one row per calendar month of the period, those without a purchase too.

    Parameters
    ----------
    days
        As the features count them.
    since, until
        The first day, and the day after the last.
    lost_after
        Days.

    Returns
    -------
    months
        ``month``, ``whole`` (whether the data cover it), ``orders``, any ``revenue``, ``active`` customers, of whom
        ``new``, ``returned`` and ``repeat``; and ``lost``, missing where it is not known.
    """
    index = pd.period_range(since, until - pd.Timedelta(days=1), freq="M")
    sums = [one for one in ("orders", "revenue", "of_month", "new", "returned", "lost") if one in days]
    counted = days.groupby(days["day"].dt.to_period("M"))[sums].sum().reindex(index, fill_value=0)
    begin, end = index.to_timestamp(), (index + 1).to_timestamp()
    slack = pd.Timedelta(days=_SLACK)
    known = end + pd.Timedelta(days=lost_after) <= until
    lost = counted.pop("lost").astype("Int64").where(known)
    months = counted.rename(columns={"of_month": "active"}).assign(
        # Somebody who is back after a long time may have been there this month already only if it is a longer one.
        repeat=lambda rows: rows["active"] - rows["new"] - rows["returned"],
        lost=lost,
        whole=(begin + slack >= since) & (end - slack <= until),
    )
    return months.rename_axis("month").reset_index().assign(month=begin)


def _flow(months: pd.DataFrame, facts: Mapping[str, Any]) -> Iterator[Content]:
    days = int(facts["lost_after"])
    learnt = facts.get("repeat_within")
    why = f" (nine of ten repeat purchases come within {learnt:,})" if learnt is not None else ""
    definition = (
        f"New: the first purchase that the data know of. Returned: more than {days:,} days after the one before. "
        f"Repeat: any other customer who bought. Lost: bought, and then not for more than {days:,} days{why}."
    )
    order = ["month", "whole", "orders", "revenue", "active", "new", "repeat", "returned", "lost"]
    table = months[[name for name in order if name in months]]
    yield Table("months", "Months", table, f"{definition} A dash: not yet known.", 40)
    whole = months[months["whole"]]
    if len(whole) > _MOST_MONTHS:
        yield _years(whole, definition)
    elif len(whole) > 1:
        long = whole.melt("month", ["new", "repeat", "returned", "lost"], "customers", "number")
        yield Figure(
            "comings",
            "Customers who come, stay and go",
            long.dropna(subset="number").astype({"number": float}),
            "line",
            "month",
            "number",
            f"{definition} Whole months; the last ones have no figure of the lost yet.",
            by="customers",
            y_label="customers",
        )
    unknown = months["lost"].isna()
    first = months.loc[unknown, "month"].min()
    if unknown.all():
        told = f"The data are too short to say who is lost: it takes {days:,} days without a purchase{why}."
        yield Finding(told, "caveat")
    elif unknown.any():
        yield Finding(
            f"How many were lost since {first:%B %Y} is not yet known: who bought last less than {days:,} days before "
            "the end of the data may come back.",
            "caveat",
        )
    yield Finding(
        "Nobody is known from before the data begin: in the first months old customers count as new, and none as "
        "returned.",
        "caveat",
    )
    known = whole.dropna(subset="lost")
    if len(known) and known["active"].sum():
        of = float(known["lost"].sum() / known["active"].sum())
        yield Finding(
            f"Of the customers who buy in a month {share(of)} then stay away for more than {days:,} days (mean of "
            f"{number(len(known), 0)} whole months of which it is known)."
        )


def _years(whole: pd.DataFrame, definition: str) -> Figure:
    """The same by year, where months are too many to be seen; a year is known once each of its months is."""
    year = whole["month"].dt.year
    sums = whole.groupby(year)[["new", "returned", "lost"]].sum().astype("Float64")
    counted = whole.groupby(year)[["new", "returned", "lost"]].count()
    long = sums.where(counted == 12).rename_axis("year").reset_index().melt("year", None, "customers", "number")
    caption = f"{definition} Summed over whole years; the last ones have no figure of the lost yet."
    rows = long.dropna(subset="number").astype({"number": float})
    return Figure(
        "comings",
        "Customers who come and go",
        rows,
        "line",
        "year",
        "number",
        caption,
        by="customers",
        y_label="customers",
    )


def _revenue(months: pd.DataFrame) -> Iterator[Content]:
    whole = months[months["whole"]]
    if len(whole) < 2:
        return
    what = "revenue" if "revenue" in whole else "orders"
    partial = months.loc[~months["whole"], "month"].dt.strftime("%B %Y").tolist()
    note = f" Left out, since the data cover a part of it only: {', '.join(partial)}." if partial else ""
    yield Figure(
        "months",
        f"{what.capitalize()} per month",
        whole[["month", what]].astype({what: float}),
        "line",
        "month",
        what,
        f"Whole months.{note}",
    )


def _weeks(days: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> Iterator[Content]:
    """Whole weeks from Monday, where there are few enough to tell apart."""
    what = "revenue" if "revenue" in days else "orders"
    weeks = pd.period_range(since, until - pd.Timedelta(days=1), freq="W-SUN")
    weeks = weeks[(weeks.start_time >= since) & (weeks.end_time < until)]
    if not 2 <= len(weeks) <= _MOST_WEEKS:
        return
    sums = days.groupby(days["day"].dt.to_period("W-SUN"))[what].sum().reindex(weeks, fill_value=0)
    rows = pd.DataFrame({"week": weeks.start_time, what: sums.to_numpy(dtype=float)})
    caption = "Whole weeks, by the Monday on which they begin."
    yield Table("weeks", f"{what.capitalize()} per week", rows, caption, 10)
    yield Figure("weeks", f"{what.capitalize()} per week", rows, "line", "week", what, caption)


def _weekdays(days: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> Iterator[Content]:
    every = pd.date_range(since, until - pd.Timedelta(days=1), freq="D")
    if len(every) < 14:
        return
    what = [one for one in ("orders", "revenue") if one in days]
    each = days.set_index("day")[what].reindex(every, fill_value=0)
    mean = each.groupby(every.day_of_week)[what].mean()
    rows = pd.DataFrame({"weekday": [_WEEKDAYS[k] for k in mean.index]})
    rows = rows.assign(**{f"{one}_a_day": mean[one].to_numpy() for one in what})
    caption = f"Mean over all days from {since:%Y-%m-%d}, those on which nobody bought too."
    yield Table("weekdays", "Weekdays", rows, caption)
    shown = f"{what[-1]}_a_day"
    yield Figure("weekdays", f"{what[-1].capitalize()} by weekday", rows, "bar", "weekday", shown, caption)
    values = rows[shown].to_numpy(dtype=float)
    best, worst = int(values.argmax()), int(values.argmin())
    if values[worst] > 0 and values[best] > _UNLIKE * values[worst]:
        ratio = number(float(values[best] / values[worst]), 1)
        most, least = day_name[best], day_name[worst]
        yield Finding(f"{most} brings most {what[-1]}, {ratio} times as much as {least}, which brings least.")


def _calendar(months: pd.DataFrame) -> Iterator[Content]:
    """How months of the year differ, where there are two whole years to tell it from."""
    what = "revenue" if "revenue" in months else "orders"
    years = months.groupby(months["month"].dt.year)["whole"].agg(["sum", "size"])
    full = years.index[years["sum"] == 12]
    if len(full) < 2:
        return
    rows = months[months["month"].dt.year.isin(full)]
    level = rows.groupby(rows["month"].dt.year)[what].transform("mean")
    index = (rows[what] / level).groupby(rows["month"].dt.month).mean()
    found = pd.DataFrame({"month": _MONTHS, "index": index.to_numpy(dtype=float)})
    caption = (
        f"{what.capitalize()} of the month over the mean month of its year, averaged over {len(full)} whole years."
    )
    yield Table("calendar", "Months of the year", found, caption)
    yield Figure("calendar", "Months of the year", found, "bar", "month", "index", caption, reference={"y": 1.0})


def _silence(days: pd.DataFrame, since: pd.Timestamp, until: pd.Timestamp) -> Iterator[Content]:
    """The longest time without any purchase, where it stands out: a closed shop, or days that are missing."""
    gaps = days["day"].diff().dt.days.sub(1)
    longest = gaps.max()
    if longest >= 7 and longest > 3 * max(1.0, float(gaps.quantile(0.95))):
        when = days["day"].iloc[int(gaps.argmax())]
        begin = when - pd.Timedelta(days=int(longest))
        yield Finding(
            f"Nobody bought anything for {int(longest)} days from {begin:%Y-%m-%d}: the shop was closed, or "
            "days are missing."
        )
    silent = (until - since).days - len(days)
    if silent:
        yield Finding(f"On {silent:,} of {(until - since).days:,} days nobody bought.")
