"""Purchases: who bought, when, for how much; found by name, and where columns have none, by what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cxai_runner.inspection import dates
from cxai_runner.inspection.cancelled import Cancelled
from cxai_runner.inspection.facts import Facts
from cxai_runner.inspection.names import bare, generic, identifies, many, says
from cxai_runner.inspection.roles import Guess, Role, Seen, named_for, often

_NEVER_REVENUE = ("price", "discount", "quantity", "category", "earlier")


def transactions(seen: Seen) -> Guess | None:
    """Customers who come back, dates, and money or units."""
    time = next(iter(seen.dates), None)
    if time is None:
        return None
    order = seen.key_of("order")
    product = seen.key_of("product", [one for one in seen.keys if one is not order])
    store = seen.key_of("store", [one for one in seen.keys if one not in (order, product)])
    customer, why = _customer(seen, [order, product, store])
    if customer is not None and customer.unique:
        # Whoever buys twice is in such a table twice: what is another in every row is the purchase.
        if order is not None or identifies(customer.name, "customer"):
            return None
        order, customer = customer, None
    twin = _twin(seen, customer, [time, order, product, store, customer])
    numbers = [one for one in seen.numbers if one not in (order, product, store, customer, twin) and not one.epoch]
    money = _Money.among(numbers, named=seen.named)
    if not money or (customer is None and (order is None or product is None)):
        return None
    roles: dict[str, Role] = {}
    if customer is not None:
        roles[customer.name] = Role("customer_id", why)
    if twin is not None and customer is not None:
        roles[twin.name] = Role("customer, again", f"one to one with {customer.name}", standard=False)
    known = ((order, "order_id"), (product, "product_id"), (store, "store_id"))
    roles |= {one.name: Role(name, often(one)) for one, name in known if one is not None}
    likeliest = "the only dates" if len(seen.dates) == 1 else "the likeliest of the dates"
    roles[time.name] = Role("timestamp", likeliest)
    roles |= money.roles(numbers, named=seen.named)
    decide = [] if customer else ["which column is the customer: none repeats as one who comes back would"]
    decide += dates.decisions(time)
    if not seen.named and customer is not None:
        others = [one for one in _unnamed_keys(seen, list(seen.keys)) if one not in (customer, twin) and not one.unique]
        decide += [f"which column is the customer: {one.name} could be it as well as {customer.name}" for one in others]
    if money.revenue is None and not money.computed:
        decide.append("which column is the revenue: none is named so")
    notes = [] if order else ["no order id: what a customer buys at one instant is taken for one order"]
    cancelled = Cancelled.of(seen, order, money.units)
    decide += cancelled.decide
    notes += [*dates.notes(time), *cancelled.notes, *_of_rows(seen, customer, money)]
    about = "customers who come back, with dates and money" if customer else "orders with dates and money, of nobody"
    if customer is not None and product is None:
        about += ", a row for each purchase and not for each product"
    return Guess(
        "transactions",
        about,
        table="transactions",
        roles=roles,
        computed=money.computed | cancelled.computed,
        where=cancelled.where | _possible(roles, seen, money),
        notes=tuple(notes),
        decide=tuple(decide),
    )


def _customer(seen: Seen, others: list[Facts | None]) -> tuple[Facts | None, str]:
    """The customer of a purchase, and why: by name, or by how often its values come back."""
    left = [one for one in seen.keys if one not in others]
    called = seen.key_of("customer", left)
    if called is not None:
        return called, f"named so; {often(called)}"
    plain = [one for one in left if generic(one.name) and one.distinct >= 10]
    if not plain and not seen.named:
        plain = _unnamed_keys(seen, left)
    if not plain:
        return None, ""
    return plain[0], f"{often(plain[0])}: as customers who come back"


def _unnamed_keys(seen: Seen, among: list[Facts]) -> list[Facts]:
    """Columns without a name that could be customers: those who come back first, then those of most values."""
    could = [one for one in among if one.distinct >= max(10, 0.01 * seen.rows) and not one.fractions]
    return sorted(could, key=lambda one: (one.unique, -one.distinct))


def _twin(seen: Seen, customer: Facts | None, taken: list[Facts | None]) -> Facts | None:
    """Another column that is one to one with the customer."""
    if customer is None:
        return None
    same = (one for one in seen.keys if one not in taken and one.distinct == customer.distinct)
    return next((one for one in same if seen.together(one, customer) == customer.distinct), None)


@dataclass(frozen=True)
class _Money:
    """The columns of a purchase that are money and units."""

    revenue: Facts | None
    quantity: Facts | None
    price: Facts | None

    @classmethod
    def among(cls, numbers: list[Facts], *, named: bool) -> _Money:
        """Find them by name; without names, what has fractions or is the only number is money."""
        if not named:
            money = [one for one in numbers if one.fractions] or (numbers if len(numbers) == 1 else [])
            revenue = max(money, key=lambda one: (one.distinct, one.name)) if money else None
            units = [one for one in numbers if one is not revenue and one.whole and not one.binary]
            units = [one for one in units if one.high <= 10_000]
            return cls(revenue, units[0] if len(units) == 1 else None, None)
        price = named_for(numbers, "price", never=("revenue", "discount"))
        revenue = named_for(numbers, "revenue", never=_NEVER_REVENUE)
        rest = [one for one in numbers if one is not revenue]
        return cls(revenue, named_for(rest, "quantity", never=("price", "revenue")), price)

    def __bool__(self) -> bool:
        return any(one is not None for one in (self.revenue, self.quantity, self.price))

    @property
    def computed(self) -> dict[str, Any]:
        """Revenue, where it is not there and follows from price and units."""
        if self.revenue is not None or self.price is None or self.quantity is None:
            return {}
        return {"revenue": {"product_of": [self.quantity.name, self.price.name]}}

    @property
    def units(self) -> Facts | None:
        """What is below 0 where something came back."""
        return self.quantity or self.revenue

    def roles(self, numbers: list[Facts], *, named: bool) -> dict[str, Role]:
        """Their roles, and those of discounts and the week."""
        roles = {}
        if self.revenue is not None:
            unnamed = "the number with fractions" if self.revenue.fractions else "the only number left"
            roles[self.revenue.name] = Role("revenue", "named so" if named else unnamed)
        if self.quantity is not None:
            roles[self.quantity.name] = Role("quantity", "named so" if named else "small whole numbers")
        if self.computed and self.price is not None:
            roles[self.price.name] = Role("unit_price", "named so", standard=False)
        left = [one for one in numbers if one.name not in roles]
        for one in left:
            name = _discount(one)
            if name and name not in {role.name for role in roles.values()}:
                roles[one.name] = Role(name, "named so")
        week = named_for([one for one in left if one.whole and one.distinct <= 600], "week")
        if week is not None:
            roles[week.name] = Role("week", "named so")
        return roles


def _discount(one: Facts) -> str:
    """Which discount a column is, if it is one."""
    if not says(one.name, "discount") or one.below:
        return ""
    if "coupon" not in one.name.lower():
        return "retail_discount"
    return "coupon_match_discount" if "match" in one.name.lower() else "coupon_discount"


def _possible(roles: dict[str, Role], seen: Seen, money: _Money) -> dict[str, dict[str, Any]]:
    """Filters for rows that a table of transactions cannot have; what belongs to nobody is left out anyway."""
    where: dict[str, dict[str, Any]] = {}
    for name, role in roles.items():
        facts = seen.columns[name]
        if not role.standard or role.name == "customer_id":
            continue
        if role.name == "quantity" and (facts.below or facts.zeros):
            where["quantity"] = {"gt": 0}
        elif role.name == "revenue" and facts.below:
            where["revenue"] = {"ge": 0}
        elif facts.missing and role.name != "week":
            where[role.name] = {"not_null": True}
    if money.computed and money.price is not None and (money.price.below or money.price.zeros):
        where[bare(money.price.name)] = {"gt": 0}
    return where


def _of_rows(seen: Seen, customer: Facts | None, money: _Money) -> Iterator[str]:
    """What is good to know of rows that are no ordinary purchases, with how many there are."""
    if customer is not None and customer.missing:
        share = f"{customer.missing / seen.rows:.1%}".replace("%", " %")
        yield f"{many(customer.missing)} ({share}) without {customer.name}: they belong to nobody and are left out"
    for one, left_out in ((money.quantity, True), (money.price, bool(money.computed)), (money.revenue, False)):
        if one is None:
            continue
        if one.below:
            meant = "returns, it seems; " if one is money.units else "corrections, it seems; "
            yield f"{many(one.below)} with {one.name} below 0: {meant}they are left out"
        if one.zeros:
            told = "they are left out" if left_out else "they are kept, as orders of no value"
            yield f"{many(one.zeros)} with {one.name} 0: {told}"
    if seen.copies:
        yield f"copies of another row in every column: {many(seen.copies)}; they are kept, as bought again"
