"""Panels of choices: one row per occasion with a column per alternative (wide), or one row per alternative (long)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import generic, identifies, says, strength
from cxai_runner.inspection.roles import Guess, Role, Seen, often

_NONE = {"0", "none", "no", "nothing", "no purchase", ""}


@dataclass(frozen=True)
class Pattern:
    """Columns that hold the same thing of each alternative: ``Price_{alternative}``."""

    stem: str
    written: str
    columns: Mapping[str, str]


def patterns(names: Sequence[str]) -> list[tuple[Pattern, ...]]:
    """Return sets of patterns over the same two or more alternatives, the largest set first."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name in names:
        for match in re.finditer(r"[._\- ]|(?<=[A-Za-z])(?=\d)", name):
            stem, alternative = name[: match.start()], name[match.end() :]
            if stem and alternative:
                found.setdefault((stem, match.group()), {})[alternative] = name
    sets: dict[frozenset[str], list[Pattern]] = {}
    for (stem, sign), columns in found.items():
        if len(columns) > 1:
            made = Pattern(stem, f"{stem}{sign}{{alternative}}", columns)
            sets.setdefault(frozenset(columns), []).append(made)
    ordered = (tuple(sorted(one, key=lambda pattern: pattern.stem)) for one in sets.values())
    return sorted(ordered, key=lambda one: (-len(one) * len(one[0].columns), one[0].stem))


def wide_panel(seen: Seen) -> Guess | None:
    """Prices (or other numbers) in a column per alternative, and which of them was chosen or whether any was bought."""
    numeric = [one.name for one in seen.columns.values() if one.numeric or one.type == "true/false"]
    for some in patterns(numeric):
        alternatives = frozenset(some[0].columns)
        taken = {column for pattern in some for column in pattern.columns.values()}
        rest = [one for one in seen.columns.values() if one.name not in taken]
        choice = _choice(rest, alternatives)
        price = next((one for one in some if says(one.stem, "price")), None)
        incidence = seen.named_for("incidence", among=[one for one in rest if one.binary], never=("earlier",))
        if choice is None and (price is None or incidence is None):
            continue
        return _wide(seen, some, rest, choice, incidence)
    return None


def _wide(
    seen: Seen, some: Sequence[Pattern], rest: Sequence[Facts], choice: Facts | None, incidence: Facts | None
) -> Guess:
    alternatives = sorted(some[0].columns)
    roles: dict[str, Role] = {}
    notes, decide, numbered = [], [], {}
    customer, occasion = _who_and_when(seen, [one for one in rest if one is not choice and one is not incidence])
    if customer is not None:
        roles[customer.name] = Role("customer_id", often(customer))
    else:
        decide.append("which column is the customer: none is named as one")
    if occasion is not None:
        roles[occasion.name] = Role("occasion", "tells the rows of a customer apart")
    elif customer is not None:
        numbered["occasion"] = "no column numbers a customer's occasions: the order of the rows is taken for theirs"
    if choice is not None:
        roles[choice.name] = Role("brand", "its values are names of the alternatives")
    if incidence is not None:
        roles[incidence.name] = Role("incidence", f"0 or 1, and {'named so' if seen.named else 'nothing else is'}")
    elif choice is not None and not {str(value).lower() for value, _ in choice.values} & _NONE:
        notes.append("every row is a choice, so whether anything is bought at all cannot be asked")
    used = {choice, incidence, customer, occasion}
    left = [one for one in rest if one not in used]
    quantity = seen.named_for("quantity", among=[one for one in left if one.numeric], never=("earlier", "price"))
    if quantity is not None and quantity.below == 0:
        roles[quantity.name] = Role("quantity", "named so")
    found, open_ones = _patterns_by_name(seen, some)
    decide += open_ones
    for standard, pattern in found.items():
        for name in pattern.columns.values():
            roles[name] = Role(f"{standard}_…", f"one column for each of {len(alternatives)} alternatives")
    listed = ", ".join(alternatives[:6]) + (" …" if len(alternatives) > 6 else "")
    return Guess(
        "panel",
        f"a column for each of {len(alternatives)} alternatives ({listed}): a wide panel of choices",
        table="panel",
        roles=roles,
        patterns={standard: pattern.written for standard, pattern in found.items()},
        numbered=numbered,
        notes=tuple(notes),
        decide=tuple(decide),
    )


def _patterns_by_name(seen: Seen, some: Sequence[Pattern]) -> tuple[dict[str, Pattern], list[str]]:
    """Standard name → pattern, and what names leave open."""
    found: dict[str, Pattern] = {}
    decide = []
    prices = [one for one in some if says(one.stem, "price")]
    if len(prices) == 1 and all(_above_zero(seen, one) for one in prices[0].columns.values()):
        found["price"] = prices[0]
    elif len(prices) != 1:
        listed = ", ".join(one.written for one in prices or some)
        decide.append(f"which of {listed} is the price: map it as `price`")
    else:
        decide.append(f"{prices[0].written} has prices of 0 or less: say what they stand for")
    promoted = [one for one in some if strength(one.stem, "promotion", "display", "feature") >= 2]
    promoted = [one for one in promoted if all(_share(seen, column) for column in one.columns.values())]
    if len(promoted) == 1:
        found["promotion"] = promoted[0]
    elif promoted:
        listed = " or ".join(one.written for one in promoted)
        decide.append(f"which of {listed} is to be the `promotion`; both keep their names until then")
    offered = [one for one in some if strength(one.stem, "available") >= 2]
    if len(offered) == 1:
        found["available"] = offered[0]
    return found, decide


def long_panel(seen: Seen) -> Guess | None:
    """One row per occasion and alternative, with 1 in the row of the one that was chosen."""
    flags = [
        one for one in seen.columns.values() if one.binary and one.numeric and says(one.name, "choice", "incidence")
    ]
    for chosen in sorted(flags, key=lambda one: (-strength(one.name, "choice"), one.name)):
        ones = dict(chosen.values).get(1, 0)
        names = [
            one
            for one in seen.keys
            if 2 <= one.distinct <= 50 and (one.type == "text" or says(one.name, "alternative"))
        ]
        names.sort(key=lambda one: (-strength(one.name, "alternative"), one.type != "text", one.name))
        for alternative in names:
            cases = [one for one in seen.keys if one is not alternative and seen.tell_apart(one, alternative)]
            cases = [one for one in cases if 0.95 * one.distinct <= ones <= one.distinct]
            if cases:
                case = min(cases, key=lambda one: (not generic(one.name), one.name))
                return _long(seen, case, alternative, chosen)
    return None


def _long(seen: Seen, case: Facts, alternative: Facts, chosen: Facts) -> Guess:
    customer = seen.key_of("customer")
    roles = {
        case.name: Role("occasion", f"{often(case)}: with {alternative.name} it identifies a row"),
        alternative.name: Role("alternative", f"{alternative.distinct} values, each once a case", standard=False),
        chosen.name: Role("chosen", "1 in one row of nearly every case", standard=False),
    }
    notes = []
    if customer is not None and customer is not case:
        roles[customer.name] = Role("customer_id", f"named so; {often(customer)}")
    else:
        roles[case.name] = Role("customer_id", "no other column is a customer, so each case stands for one")
        notes.append("each case is taken for a customer of its own")
    price = seen.named_for("price", among=[one for one in seen.numbers if one is not chosen and one.below == 0])
    decide: tuple[str, ...] = ()
    if price is not None and price.zeros == 0:
        roles[price.name] = Role("price", "named so")
    elif price is not None:
        decide = (f"what a {price.name} of 0 stands for ({price.zeros:,} rows): a price is above 0",)
    return Guess(
        "long panel",
        f"one row for each case and each of {alternative.distinct} alternatives: a long panel of choices",
        table="panel",
        roles=roles,
        long={"alternative": alternative.name, "chosen": chosen.name},
        also={} if customer is not None and customer is not case else {"occasion": case.name},
        notes=tuple(notes),
        decide=decide,
    )


def _choice(rest: Sequence[Facts], alternatives: frozenset[str]) -> Facts | None:
    """The column whose values are names of alternatives, or stand for none."""
    found = []
    for one in rest:
        have = {str(value) for value, _ in one.values}
        named = have & alternatives
        if one.binary or len(named) < 2 or any(value.lower() not in _NONE for value in have - alternatives):
            continue
        found.append((says(one.name, "earlier"), -strength(one.name, "choice"), one.name, one))
    found.sort(key=lambda item: item[:3])
    return found[0][3] if found and not found[0][0] else None


def _who_and_when(seen: Seen, rest: Sequence[Facts]) -> tuple[Facts | None, Facts | None]:
    """The customer, and what tells the rows of one apart."""
    keys = [one for one in seen.keys if one in rest]
    dates = [one for one in seen.dates if one in rest]
    could = [one for one in keys if identifies(one.name, "customer") or generic(one.name) or not seen.named]
    repeated = [one for one in could if not one.unique]
    best = sorted(
        repeated or could,
        key=lambda one: (-identifies(one.name, "customer"), -one.distinct, one.name),
    )
    if not best:
        return None, None
    customer = best[0]
    times = [one for one in (*dates, *keys) if one is not customer and (one.unique or seen.tell_apart(customer, one))]
    times = [one for one in times if one.type == "dates" or says(one.name, "occasion", "order") or generic(one.name)]
    times.sort(key=lambda one: (one.type != "dates", -strength(one.name, "occasion"), one.name))
    return customer, times[0] if times and not customer.unique else None


def _above_zero(seen: Seen, column: str) -> bool:
    facts = seen.columns[column]
    return facts.below == 0 and facts.zeros == 0


def _share(seen: Seen, column: str) -> bool:
    facts = seen.columns[column]
    return facts.type == "true/false" or (facts.numeric and facts.low >= 0 and facts.high <= 1)
