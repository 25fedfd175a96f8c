from __future__ import annotations

import html
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxai_runner.tracking.masking import MASK, Masker, looks_secret

SECRET = "k9#Lq/7 vW@2x"

# Eight or more characters that no pattern and no number looks like.
secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_characters="*"), min_size=8, max_size=30
).filter(lambda s: any(c.isalpha() for c in s))
harmless = st.text(st.sampled_from("abcdefgh 0123456789,.;()\n"), max_size=60)
anything = st.text(max_size=200) | st.lists(
    st.sampled_from(
        ["password=", "token: ", "://a:", "@", "***", '"', "'", " ", "bearer ", "abc", "-----BEGIN PRIVATE KEY-----"]
    )
).map("".join)


@given(st.lists(secrets, max_size=4), anything)
def test_masking_twice_is_masking_once(known: list[str], text: str) -> None:
    masker = Masker(known)
    once = masker.mask(text)
    assert masker.mask(once) == once


@given(secrets, harmless, harmless)
def test_a_secret_is_gone_and_the_rest_stays(secret: str, before: str, after: str) -> None:
    # A neighbour may complete another occurrence of the secret: a space between them cannot.
    masked = Masker([secret]).mask(f"{before} {secret} {after}")
    assert secret not in masked
    assert MASK in masked
    if secret not in f"{before} {after}":
        assert masked.startswith(before)
        assert masked.endswith(after)


@given(st.lists(secrets, max_size=3), harmless)
def test_text_without_a_secret_stays(known: list[str], text: str) -> None:
    if not any(secret in text for secret in known):
        assert Masker(known).mask(text) == text


@given(secrets)
@example("\xa0000000A")  # without its blank it is a short one
def test_overlapping_secrets_leave_no_rest(secret: str) -> None:
    text = secret + "QQ"
    assert Masker([secret, secret[2:] + "QQ"]).mask(f"<{text}>") == f"<{MASK}>"


@pytest.mark.parametrize(
    "spelt",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps({"x": SECRET + "\n"}),
        html.escape(f"<b>{SECRET}</b>"),
        repr({"x": SECRET}),
        f"postgresql://ann:{quote(SECRET, safe='')}@db/shop",
    ],
)
def test_a_secret_is_found_however_it_is_spelt(spelt: str) -> None:
    masked = Masker([SECRET]).mask(spelt)
    assert "k9" not in masked
    assert "vW" not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://ann:hunter2@db:5432/shop", "postgresql://ann:***@db:5432/shop"),
        ("mysql://ann:p@ss:w@db/shop", "mysql://ann:***@db/shop"),
        ("connect failed: password=hunter2, host=db", "connect failed: password=***, host=db"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
        ("db_password: hunter2", "db_password: ***"),
        ("{'api_key': 'hunter 2'}", "{'api_key': '***'}"),
        ('{"secret": "hunter2"}', '{"secret": "***"}'),
        ("+  token: hunter2  # mine", "+  token: ***  # mine"),
        ("aws_secret_access_key = wJalr/XUtn+FEMI", "aws_secret_access_key = ***"),
        ("AKIAIOSFODNN7EXAMPLE is mine", "*** is mine"),
        ("Authorization: Basic YW5uOmh1bnRlcjI=", "Authorization: Basic ***"),
        ("Authorization: Bearer abcdef.ghijkl", "Authorization: Bearer ***"),
        ("sent bearer abcdefghijklmnop", "sent bearer ***"),
        ("git clone https://ghp_0123456789abcdefABCD@github.test/x", "git clone https://***@github.test/x"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----\n",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE and cut", "-----BEGIN PRIVATE KEY-----***"),
    ],
)
def test_what_looks_secret_is_masked_unasked(text: str, masked: str) -> None:
    assert Masker().mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "def f(token: str, password: str | None = None) -> bool",
        "token = next_token()",
        "password=${oc.env:DB_PASSWORD}",
        "max_tokens=4096",
        "a basic understanding of bearer bonds",
        "https://shop.test:8080/a/b@c",
        "price: 2.31, tokens bought: many",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
    ],
)
def test_what_only_resembles_a_secret_stays(text: str) -> None:
    assert Masker().mask(text) == text


def test_short_secrets_are_masked_as_words_and_shorter_ones_not_at_all() -> None:
    assert Masker(["monkey"]).mask("monkey monkeys donkey=monkey;") == "*** monkeys donkey=***;"
    assert Masker(["abc", "2017", "true", "-1.5"]).mask("abc 2017 true -1.5") == "abc 2017 true -1.5"


def test_secrets_are_collected_from_everywhere(tmp_path: Path) -> None:
    environ = {
        "SHOP_USER": "ann.the.buyer",
        "SHOP_DATA": str(tmp_path),
        "SHOP_GLOB": f"{tmp_path}/orders/*.parquet",
        "SHOP_THREADS": "4",
        "MY_TOKEN": "from-a-name-that-says-so",
        "DATABASE_URL": "postgresql://ann:from%2Da%2Durl@db/shop",
        "EDITOR": "a-plain-variable",
    }
    config = {"data": {"tables": [{"uri": "mysql://bob:in-the-config@db"}], "password": "under-a-secret-key"}}
    masker = Masker.of(
        config,
        ["SHOP_USER", "SHOP_DATA", "SHOP_GLOB", "SHOP_THREADS", "ABSENT"],
        ["http://carl:in-the-uri@mlflow"],
        environ,
    )
    hidden = (
        "ann.the.buyer from-a-name-that-says-so from-a-url from%2Da%2Durl in-the-config under-a-secret-key in-the-uri"
    )
    assert masker.mask(hidden) == " ".join([MASK] * 7)
    shown = f"{tmp_path} {tmp_path}/orders/*.parquet 4 a-plain-variable"
    assert masker.mask(shown) == shown


def test_a_mapping_is_masked_at_any_depth() -> None:
    masker = Masker([SECRET])
    masked = masker.mask_mapping(
        {
            "a": {"b": [f"x {SECRET}", 1, None, True]},
            "password": "anything",
            "token": "${oc.env:TOKEN}",
            "api_key": None,
            "pin_secret": 1234,
            "n_tokens": 7,
        }
    )
    assert masked == {
        "a": {"b": ["x ***", 1, None, True]},
        "password": "***",
        "token": "${oc.env:TOKEN}",
        "api_key": None,
        "pin_secret": "***",
        "n_tokens": 7,
    }
    assert masker.mask_mapping(masked) == masked


def test_more_secrets_can_be_added() -> None:
    assert Masker(["first-secret"]).also(["second-secret"]).mask("first-secret second-secret") == "*** ***"


@pytest.mark.parametrize("key", ["password", "db.password", "API_KEY", "aws_secret_access_key", "credentials", "token"])
def test_keys_that_say_so(key: str) -> None:
    assert looks_secret(key)


@pytest.mark.parametrize("key", ["token_column", "n_tokens_kept", "passwordless", "key", "keyword", "threads"])
def test_keys_that_do_not(key: str) -> None:
    assert not looks_secret(key)


def test_a_large_text_is_masked_quickly() -> None:
    import time

    text = "QUJD" * 500_000 + " password=hunter2"
    begun = time.perf_counter()
    assert Masker(["some-long-secret"]).mask(text).endswith("password=***")
    assert time.perf_counter() - begun < 5, "no pattern may take quadratic time on a long run of letters"
