"""Why a table looks like nothing: what each role was looked for by, and what each standard table misses."""

from __future__ import annotations

from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import identifies, says
from cxai_runner.inspection.panels import patterns
from cxai_runner.inspection.roles import Seen

_LIKE = {
    "customer": "customer, client, household, member, user",
    "product": "product, item, sku, article",
    "money or units": "amount, revenue, price, quantity",
}
_MONEY = ("revenue", "price", "quantity")


def reasons(seen: Seen) -> tuple[tuple[str, str], ...]:
    """Return role → what was found for it or why nothing was, then ``no`` standard table → what it would need."""
    customer, product = seen.key_of("customer"), seen.key_of("product")
    money = seen.named_for(*_MONEY, among=seen.numbers)
    columns = list(seen.columns.values())
    over = patterns([one.name for one in seen.numbers])
    unlike = "no columns differ in a name or number at their end alone (price_1, price_2)"
    roles = {
        "customer": _found("customer", customer, [one for one in columns if identifies(one.name, "customer")], seen),
        "date": _dates(seen),
        "money or units": _found("money or units", money, [one for one in columns if says(one.name, *_MONEY)], seen),
        "product": _found("product", product, [one for one in columns if identifies(one.name, "product")], seen),
        "alternatives": f"{over[0][0].written}, over {len(over[0][0].columns)} of them" if over else unlike,
    }
    transactions = {
        "a customer who comes back": customer is not None and not customer.unique,
        "a date": bool(seen.dates),
        "money or units": money is not None,
    }
    choice = "a column that says which alternative was chosen, or whether anything was bought"
    lacks = {
        "transactions": [what for what, there in transactions.items() if not there],
        "panel": [choice] if over else ["a column for each alternative", choice],
        "customers": ["a customer who is another in every row"],
        "products": ["a product that is another in every row"],
    }
    return (*roles.items(), *((f"no {table}", "needs " + ", and ".join(what)) for table, what in lacks.items() if what))


def _found(role: str, one: Facts | None, called: list[Facts], seen: Seen) -> str:
    """What is taken for a role; or what is named so and cannot be it; or what would have been recognised."""
    if one is not None:
        return f"{one.name}, by its name"
    if called:
        first = called[0]
        values = "one value only" if first.distinct == 1 else "no value" if not first.distinct else first.type
        return f"{first.name} is named so, and holds {values}"
    return f"no column is named so, as {_LIKE[role]} are" if seen.named else "the columns have no names to tell by"


def _dates(seen: Seen) -> str:
    if seen.dates:
        return ", ".join(one.name for one in seen.dates[:3])
    counts = next((one for one in seen.columns.values() if one.epoch), None)
    if counts is not None:
        return f"{counts.name} counts {counts.epoch} since 1970: make it a date first"
    return "no column holds dates, as 2017-12-31, 31.12.2017 or 12/31/2017 are"
