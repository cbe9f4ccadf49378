"""One mailbox, one number, one account name: one text, however it was written down."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.identity.handles import (
    handle_in,
    is_role_mailbox,
    names_nobody,
    normal_handle,
    tells_people_apart,
)


@pytest.mark.parametrize(
    ("hazard", "written", "region", "expected"),
    [
        ("letter case", "email:Ann@X.Example", "", "email:ann@x.example"),
        ("spaces", " Email : ann@x.example ", "", "email:ann@x.example"),
        ("display name", "email:Smith, Ann <Ann@x.example>", "", "email:ann@x.example"),
        ("a name that is an address", 'email:"a@y.example" <ann@x.example>', "", "email:ann@x.example"),
        ("link", "email:mailto:ann@x.example", "", "email:ann@x.example"),
        ("full-width letters", "email:ａｎｎ@x.example", "", "email:ann@x.example"),
        ("invisible characters", "email:ann\u200b@x.example\ufeff", "", "email:ann@x.example"),
        ("encoded domain", "email:ann@xn--mnchen-3ya.example", "", "email:ann@münchen.example"),
        ("sharp s folds", "email:GROSS@x.example", "", "email:gross@x.example"),
        ("plus tag is the provider's business", "email:ann+a@x.example", "", "email:ann+a@x.example"),
        ("another name of the kind", "mail:ann@x.example", "", "email:ann@x.example"),
        ("two addresses are nobody's", "email:a@x.example; b@x.example", "", None),
        ("no address", "email:ann", "", None),
        ("nothing", "email:", "", None),
        ("anonymous", "email:anonymous", "", None),
        ("international number", "phone:+49 (0)30 12 34 56", "", "phone:+4930123456"),
        ("national number at home", "phone:030/123456", "DE", "phone:+4930123456"),
        ("international prefix", "phone:0049 30 123456", "DE", "phone:+4930123456"),
        ("national number of nowhere", "phone:030 123456", "", "phone:030123456"),
        ("Zendesk's kind", "phone_number:+4930123456", "", "phone:+4930123456"),
        ("WhatsApp is a number", "whatsapp:+49 30 123456", "", "phone:+4930123456"),
        ("link of a number", "phone:tel:+4930123456", "", "phone:+4930123456"),
        ("extension is another person", "phone:+44 20 7946 0958 ext 12", "", "phone:+442079460958;ext=12"),
        ("a fraction between digits", "phone:01\u00bc", "DE", "phone:+490114"),
        ("digits of another script", "phone:\u0660\u0663\u0660 123456", "", "phone:030123456"),
        ("no number of the country it names", "phone:+1 202 55", "DE", None),
        ("placeholder number", "phone:000000000", "", None),
        ("withheld number", "phone:Withheld", "", None),
        ("words", "phone:call me", "", None),
        ("at sign", "twitter:@Ann_S", "", "twitter:ann_s"),
        ("new name of the network", "x:Ann_S", "", "twitter:ann_s"),
        ("profile page", "twitter:https://twitter.com/Ann_S/?lang=en", "", "twitter:ann_s"),
        ("placeholder name", "twitter:@unknown", "", None),
        ("vendor ids keep their case", "salesforce:003Hs00AbC", "", "salesforce:003Hs00AbC"),
        ("unknown kind", "Slack:U12", "", "slack:u12"),
        ("no kind", "ann@x.example", "", None),
    ],
)
def test_a_handle_has_one_form(hazard, written, region, expected):
    assert normal_handle(written, region) == expected, hazard


@pytest.mark.parametrize(
    ("contact_id", "expected"),
    [
        ("email:Ann@x.example", "email:ann@x.example"),
        ("Ann@X.example", "email:ann@x.example"),
        ("phone:+4930123456", "phone:+4930123456"),
        ("zendesk:123", "zendesk:123"),
        ("C1", None),
        ("user:5", None),
        ("@ann", None),
        ("email:not an address", None),
    ],
)
def test_an_id_that_is_a_handle_is_taken_as_one(contact_id, expected):
    assert handle_in(contact_id) == expected


@pytest.mark.parametrize(
    ("contact_id", "nobody"),
    [
        ("phone:anonymous", True),
        ("unknown", False),
        ("0", False),
        ("email:", True),
        ("C1", False),
        ("email:a@b", False),
    ],
)
def test_an_id_that_stands_for_nobody_is_known(contact_id, nobody):
    assert names_nobody(contact_id) is nobody


@pytest.mark.parametrize(
    ("handle", "apart"),
    [
        ("email:ann@x.example", True),
        ("email:info@x.example", False),
        ("email:buchhaltung@x.example", False),
        ("email:support-2@x.example", False),
        ("email:billing+march@x.example", False),
        ("email:infomania@x.example", True),
        ("phone:+4930123456", True),
        ("phone:030123456", False),
        ("twitter:support", True),
        ("zendesk:1", True),
        ("ip:10.0.0.1", False),
    ],
)
def test_what_several_people_share_does_not_tell_them_apart(handle, apart):
    assert tells_people_apart(handle) is apart
    assert is_role_mailbox(handle) <= (not apart)


@given(
    kind=st.sampled_from(["email", "phone", "twitter", "zendesk", "x", "slack"]), value=st.text(max_size=30)
)
@example(kind="phone", value="01\u00bc")
def test_whatever_is_written_the_form_is_stable_and_never_an_error(kind, value):
    once = normal_handle(f"{kind}:{value}", "DE")
    assert once is None or normal_handle(once, "DE") == once


@given(local=st.from_regex(r"[a-zA-Z0-9._%-]{1,12}", fullmatch=True))
def test_letter_case_and_a_display_name_never_matter(local):
    plain = normal_handle(f"email:{local}@x.example")
    assert normal_handle(f"email:Somebody <{local.upper()}@X.EXAMPLE>") == plain
