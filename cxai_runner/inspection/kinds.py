"""The kinds of tables that customer analytics meets, each recognised by its own signs; the most particular first."""

from __future__ import annotations

from cxai_runner.inspection.events import campaign, customers, interactions, products, promotions
from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import identifies, says, words
from cxai_runner.inspection.panels import long_panel, wide_panel
from cxai_runner.inspection.purchases import transactions
from cxai_runner.inspection.roles import Guess, Role, Seen, named_for, often


def edges(seen: Seen) -> Guess | None:
    """Two columns of the same sort of id, and hardly anything else: who is connected with whom."""
    if not 2 <= len(seen.columns) <= 3:
        return None
    ends = list(seen.keys)
    rest = [one for one in seen.columns.values() if one not in ends[:2]]
    if len(ends) < 2 or any(not one.numeric for one in rest):
        return None
    one, other = sorted(ends[:2], key=lambda end: (not says(end.name, "from"), end.name))
    if (
        _thing(one) != _thing(other)
        or one.type != other.type
        or min(one.distinct, other.distinct) < 5
        or not seen.tell_apart(one, other)
    ):
        return None
    common = seen.overlap(one.name, other.name)
    if common < 0.2:
        return None
    why = f"{common:.0%} of the values of the one are values of the other too"
    return Guess(
        "edges of a network",
        "two columns of the same ids, each pair once: who is connected with whom",
        roles={one.name: Role("from", why, standard=False), other.name: Role("to", why, standard=False)},
    )


def media(seen: Seen) -> Guess | None:
    """One row a day or week, perhaps for each place, with spending or contacts of several channels."""
    channels = [one for one in seen.numbers if says(one.name, "media") and not says(one.name, "competitor")]
    if len(channels) < 2 or not seen.dates or seen.key_of("customer"):
        return None
    time = seen.dates[0]
    place = next((one for one in seen.keys if one not in channels and seen.full_grid(one, time)), None)
    if not time.unique and place is None:
        return None
    roles = {time.name: Role("time", _rhythm(time), standard=False)}
    if place is not None:
        roles[place.name] = Role("place", f"{often(place)}: one row at every time", standard=False)
    results = [one for one in seen.numbers if one not in channels and "per" not in words(one.name)]
    goal = named_for(results, "revenue", "outcome", "quantity", never=("competitor", "price"))
    roles |= {one.name: Role("media", "named as spending or contacts of a channel", standard=False) for one in channels}
    if goal is not None:
        roles[goal.name] = Role("result", "named as what media are to move", standard=False)
    where = "places and " if place is not None else ""
    return Guess("media", f"{where}{_rhythm(time)}, with {len(channels)} columns of channels: media mix", roles=roles)


def grid(seen: Seen) -> Guess | None:
    """Every unit at every time: places with a result, or units whose price or discount changed."""
    if not seen.dates:
        return None
    time = seen.dates[0]
    customer = seen.key_of("customer")
    units = [one for one in seen.keys if one is not customer and seen.full_grid(one, time)]
    if not units or time.distinct < 5:
        return None
    unit = min(units, key=lambda one: (not says(one.name, "place", "store", "id"), one.distinct, one.name))
    roles = {
        unit.name: Role("unit", f"{often(unit)}: one row at every time", standard=False),
        time.name: Role("time", _rhythm(time), standard=False),
    }
    others = [one for one in seen.numbers if one is not unit and not one.binary]
    treatment = seen.named_for("discount", "promotion", among=others, never=("competitor",))
    result = seen.named_for("revenue", "outcome", "quantity", among=[one for one in others if one is not treatment])
    result = result or (others[0] if len(others) == 1 else None)
    if result is not None:
        roles[result.name] = Role("result", "the number that is measured each time", standard=False)
    if treatment is not None:
        roles[treatment.name] = Role("treatment", "named so, and it varies within a unit", standard=False)
        about = f"{unit.distinct} units, {_rhythm(time)}, with something done to them: the effect of {treatment.name}"
        return Guess("units over time", about, roles=roles)
    about = f"{unit.distinct} places, {_rhythm(time)}, with a result: an experiment on places"
    return Guess("places over time", about, roles=roles)


def _thing(one: Facts) -> str:
    """What a column is named as the key of, if of anything."""
    things = ("customer", "product", "order", "store")
    return next((thing for thing in things if identifies(one.name, thing)), "")


def _rhythm(time: Facts) -> str:
    words = {1: "one row a day", 7: "one row a week"}
    return words.get(time.step or 0, "one row a date")


KINDS = (
    edges,
    long_panel,
    wide_panel,
    media,
    grid,
    campaign,
    interactions,
    promotions,
    transactions,
    products,
    customers,
)
"""The rules, in the order in which they are asked."""
