"""What names of columns say, in the words that shops, panels and campaigns use for them.

A name is split into words (``CustomerID`` → customer, id); a word means something as a whole, a long one also inside
another (``customernumber``).
"""

from __future__ import annotations

import re

_MEANINGS = {
    "customer": "customer customers client household hh hid hhid member shopper consumer panelist user uid cust buyer "
    "subscriber visitor account contact person patient kunde kundennr klant cliente",
    "order": "order invoice basket ticket receipt transaction trans bill booking checkout rechnung bestellung session",
    "product": "product item sku article stock stockcode upc ean gtin asin plu artikel produkt isbn title track movie",
    "store": "store shop outlet branch filiale restaurant rest venue",
    "id": "id ids no nr number num key code hid uid idcase case rownames index rowid guid uuid",
    "time": "date day time timestamp datetime when on at ts dt datum month week year period created purchased sold",
    "week": "week wk weekno woche",
    "quantity": "quantity qty units unit count menge pieces pcs volume items",
    "revenue": "revenue amount sales spend spent paid total turnover value umsatz betrag amt gmv net gross importe",
    "price": "price unitprice preis cost fare precio",
    "discount": "discount disc rebate rabatt coupon",
    "category": "category department family genre class segment subcategory group commodity type",
    "brand": "brand maker manufacturer label vendor marke",
    "incidence": "incidence bought purchased purchase buy purchases converted",
    "choice": "choice chosen chose depvar choose brand mode selected",
    "alternative": "alt alternative alternatives option mode brand",
    "occasion": "occasion visit trip day week case choiceid obs time id",
    "promotion": "promotion promo deal onsale promoted",
    "display": "display disp",
    "feature": "feature feat mailer leaflet flyer ad",
    "mailer": "mailer leaflet flyer",
    "available": "available avail av availability",
    "earlier": "last prev previous lag lagged prior",
    "arm": "arm treatment treated variant segment group testgroup experiment control campaign",
    "outcome": (
        "churn churned visit conversion converted convert response responded responder click clicked open "
        "opened exited target label bought purchased y outcome redeemed subscribed renewed retained"
    ),
    "leaving": "churn churned left leaves cancelled canceled exited attrition lapsed unsubscribed",
    "rating": "rating ratings stars score rate",
    "media": (
        "spend impression impressions impr clicks grp grps tv ooh print radio facebook google youtube tiktok "
        "instagram search display newsletter email media channel ads adspend reach s"
    ),
    "competitor": "competitor competitors rival rivals",
    "place": "location geo city region state dma market country zip county area territory postcode",
    "from": "source src from node1 node_1 follower a i",
    "personal": (
        "email mail name firstname lastname surname fullname phone telephone mobile address street iban ssn "
        "ip birth birthday birthdate dob passport customername username"
    ),
}

_WORDS = {meaning: frozenset(known.split()) for meaning, known in _MEANINGS.items()}
_KINDS = re.compile(r":(token|float|token_seq|float_seq|string|str|int|long)$")
_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")


def words(name: str) -> tuple[str, ...]:
    """Return the words of a column's name, in lower case: ``CustomerID`` → customer, id."""
    return tuple(found.lower() for found in _SPLIT.findall(bare(name)))


def bare(name: str) -> str:
    """Return a name without the type that some files write behind it: ``user_id:token`` → user_id."""
    return _KINDS.sub("", name)


def identifies(name: str, meaning: str) -> int:
    """Return how clearly ``name`` is that of a key: 3 ``customer_id``, 2 ``loyal_customer_id``, 0 ``customer_age``."""
    found, known, keys = words(name), _WORDS[meaning], _WORDS["id"]
    squashed = re.sub(r"(id|nr|no|number|key|code)$", "", "".join(found))
    if squashed in known or (found and all(word in known or word in keys for word in found) and says(name, meaning)):
        return 3
    return 2 if any(word in known for word in found) and any(word in keys for word in found) else 0


def many(rows: int) -> str:
    """Return a number of rows in words: ``1 row``, ``2,345 rows``."""
    return "1 row" if rows == 1 else f"{rows:,} rows"


def generic(name: str) -> bool:
    """Whether ``name`` says that it is a key and not of what: ``ID``, ``case``, ``rownames``."""
    found = words(name)
    return bool(found) and all(word in _WORDS["id"] for word in found)


def says(name: str, *meanings: str) -> bool:
    """Whether ``name`` has a word for any of ``meanings``."""
    return any(_strength(name, meaning) > 0 for meaning in meanings)


def strength(name: str, *meanings: str) -> int:
    """Return how clearly ``name`` says any of ``meanings``: 3 nothing else, 2 in a word, 1 inside one, 0 not at all."""
    return max(_strength(name, meaning) for meaning in meanings)


def is_measure(name: str) -> bool:
    """Whether ``name`` says that a number is measured or counted, and so no key."""
    return says(name, "revenue", "price", "media", "outcome", "discount", "competitor") and not says(name, "id")


def is_personal(name: str) -> bool:
    """Whether a column of this name may hold what a person is called or where to find one."""
    found = words(name)
    if any(word in {"product", "item", "movie", "brand", "category", "store", "campaign"} for word in found):
        return False
    return any(word in _WORDS["personal"] for word in found) or "".join(found) in _WORDS["personal"]


def _strength(name: str, meaning: str) -> int:
    found, known = words(name), _WORDS[meaning]
    squashed = "".join(found)
    if squashed in known:
        return 3
    if any(word in known for word in found):
        return 2
    return 1 if any(len(word) >= 5 and word in squashed for word in known) else 0
