"""Tables of what happened to whom, other than purchases, and the lists of customers and products."""

from __future__ import annotations

import re

from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import bare, generic, identifies, says, words
from cxai_runner.inspection.roles import Guess, Role, Seen, named_for, often

_CONTROL = re.compile(
    r"\b(control|none|placebo|hold-?out|untreated|no[ _-]?(e-?mail|treatment|offer|contact|promo\w*))\b", re.I
)


def campaign(seen: Seen) -> Guess | None:
    """One row per customer, the arm of a campaign that each was put into, and what became of them."""
    arms = [one for one in seen.columns.values() if 2 <= len(one.values) <= 10 and _is_arm(one)]
    if not arms or seen.dates:
        return None
    arm = min(arms, key=lambda one: (one.type != "text", one.name))
    outcomes = _outcomes(seen, arm)
    if not outcomes:
        return None
    roles = {arm.name: Role("arm", f"{arm.distinct} groups, one of them without treatment", standard=False)}
    roles |= {one.name: Role("outcome", "named as what a campaign is to bring", standard=False) for one in outcomes}
    customer = seen.key_of("customer") or next((one for one in seen.keys if one.unique and generic(one.name)), None)
    named = ", ".join(one.name for one in outcomes)
    return Guess(
        "campaign",
        f"groups of a campaign ({arm.name}) and what became of their members ({named}): response and uplift",
        table="customers" if customer is None or customer.unique else "",
        roles={**roles, **({customer.name: Role("customer_id", often(customer))} if customer else {})},
        numbered={} if customer else {"customer_id": "no column says which: the row's number stands for it"},
        outcomes=(arm.name, *(one.name for one in outcomes)),
        notes=("no standard table has groups of a campaign: as customers they can be described, and no effect told",),
    )


def _is_arm(one: Facts) -> bool:
    if one.type == "text":
        return says(one.name, "arm") and any(_CONTROL.search(str(value)) for value, _ in one.values)
    return one.binary and one.name.lower() in {"treatment", "treated", "is_treated", "arm", "exposed"}


def interactions(seen: Seen) -> Guess | None:
    """Who met which item, with a rating or without, and no money."""
    customer, product = seen.key_of("customer"), seen.key_of("product")
    if customer is None or product is None or customer.unique or product.unique:
        return None
    numbers = [one for one in seen.numbers if one not in (customer, product)]
    if seen.named_for("revenue", "price", "quantity", among=numbers):
        return None
    rating = seen.named_for("rating", among=numbers)
    if rating is None and seen.together(customer, product) < 0.9 * seen.rows:
        return None
    roles = {
        customer.name: Role("customer_id", often(customer)),
        product.name: Role("item_id", often(product)),
    }
    time = next((one for one in seen.columns.values() if one.epoch), None) or next(iter(seen.dates), None)
    if rating is not None:
        roles[rating.name] = Role("rating", f"from {rating.low} to {rating.high}", standard=False)
    if time is not None:
        roles[time.name] = Role("timestamp", f"{time.epoch} since 1970" if time.epoch else "dates")
    decide = []
    if rating is not None:
        kept = f"where: {{{bare(rating.name)}: {{ge: …}}}}"
        decide.append(f"from which {rating.name} on an item is liked: every one is taken, as if it were; {kept}")
    return Guess(
        "interactions",
        "customers and items that they met, without money: recommendation",
        table="interactions",
        roles=roles,
        decide=tuple(decide),
    )


def promotions(seen: Seen) -> Guess | None:
    """Which product was on display or in a mailer, in which store and week."""
    product, store = seen.key_of("product"), seen.key_of("store")
    numbers = [one for one in seen.columns.values() if one.numeric and one.whole]
    week = seen.named_for("week", among=numbers)
    shown = {
        meaning: one
        for meaning in ("display", "mailer")
        if (one := seen.named_for(meaning, among=[c for c in seen.columns.values() if c is not product]))
    }
    if product is None or week is None or not shown or seen.key_of("customer"):
        return None
    roles = {product.name: Role("product_id", often(product)), week.name: Role("week", "named so")}
    if store is not None:
        roles[store.name] = Role("store_id", often(store))
    roles |= {one.name: Role(meaning, "named so") for meaning, one in shown.items()}
    return Guess("promotions", "products on promotion by week", table="promotions", roles=roles)


def products(seen: Seen) -> Guess | None:
    """One row per product, with what it is."""
    product = seen.key_of("product", [one for one in seen.keys if one.unique])
    if product is None or seen.key_of("customer"):
        return None
    roles = {product.name: Role("product_id", "named so, and another in every row")}
    rest = [one for one in seen.columns.values() if not one.unique and (one.type == "text" or one in seen.keys)]
    category = named_for([one for one in rest if "category" in words(one.name)] or rest, "category")
    # A brand of two values tells private labels from the others; who made it is the finer one then.
    brand = named_for([one for one in rest if one.distinct > 2] or rest, "brand")
    for found, meaning in ((category, "category"), (brand, "brand")):
        if found is not None and found.name not in roles:
            roles[found.name] = Role(meaning, f"named so; {found.distinct:,} values")
    return Guess("products", "one row per product", table="products", roles=roles)


def customers(seen: Seen) -> Guess | None:
    """One row per customer, with what is known of each; perhaps with what became of them."""
    unique = [one for one in seen.keys if one.unique]
    customer = seen.key_of("customer", unique)
    others = ("product", "order", "store")
    if customer is None:
        could = [one for one in unique if generic(one.name) or not seen.named]
        could = [one for one in could if not any(identifies(one.name, other) for other in others)]
        customer = could[0] if could and len(seen.columns) > 2 else None
    if customer is None:
        return None
    why = "another in every row" + (", and named so" if identifies(customer.name, "customer") else ": a guess")
    roles = {customer.name: Role("customer_id", why)}
    outcomes = _outcomes(seen, customer)
    if not outcomes and not seen.named:
        binary = [one for one in seen.columns.values() if one.binary]
        outcomes = [binary[-1]] if binary and binary[-1].name == list(seen.columns)[-1] else []
    roles |= {one.name: Role("outcome", _yes(one), standard=False) for one in outcomes}
    told = ", ".join(one.name for one in outcomes)
    if outcomes:
        about = f"one row per customer, and what became of each ({told}), without a date: conversion or churn"
    else:
        about = "one row per customer: who they are"
    return Guess("customers", about, table="customers", roles=roles, outcomes=tuple(one.name for one in outcomes))


def _outcomes(seen: Seen, but: Facts) -> list[Facts]:
    """Columns of yes and no that are named as what becomes of customers, and what they spent then."""
    named = [one for one in seen.columns.values() if one is not but and says(one.name, "outcome")]
    found = [one for one in named if one.binary and not says(one.name, "earlier", "time")]
    if found and but.distinct <= 10:
        spent = {"spend", "spent", "revenue", "sales", "amount"}
        found += [one for one in seen.numbers if one.name.lower() in spent and one.zeros]
    return found


def _yes(one: Facts) -> str:
    most = {str(value).lower(): often for value, often in one.values}
    yes = next((most[word] for word in ("1", "yes", "y", "true", "t") if word in most), 0)
    return f"yes or no; {yes / max(1, one.rows):.1%} yes"
