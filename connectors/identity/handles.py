"""Handles of people (``kind:value``) in one form, so that the same mailbox or number is the same text.

E-mail addresses: NFKC, case folded, taken out of ``Ann <ann@x.example>``; plus tags and dots stay, only the
provider knows what they mean. Phone numbers: E.164 by the ``phonenumbers`` library, with the extension.
Social names: without ``@`` and address of a profile page, case folded. Ids of vendors: as they are.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers

EMAIL, PHONE = "email", "phone"
_SOCIAL_NETWORKS = """
bluesky discord facebook instagram line linkedin mastodon reddit telegram tiktok twitter viber wechat youtube
"""
_VENDORS = "freshdesk hubspot intercom salesforce zendesk"
_ROLES = """
abuse ftp hostmaster info marketing news noc postmaster sales security support usenet uucp webmaster www

account accounting accounts admin administrator all backoffice billing booking careers contact
customerservice dev devops donotreply do-not-reply enquiries everyone feedback finance frontdesk hello help
helpdesk hi hr inbox inquiries invoice invoices it itsupport jobs kundenservice legal mail mailbox management
no-reply noreply
notifications office operations ops order orders payments payroll press privacy procurement purchasing
reception root service services shop staff system team tech test

administracion administration atencion buchhaltung commercial compras comptabilite compta contabilidad
contacto direccion einkauf empfang facturacion facture factures facturas finanzen kontakt personal post
rechnung rechnungen sekretariat soporte technik ventas vertrieb verwaltung zentrale
"""
_NO_NAMES = """
- . ? 0 anonymous blocked none null n/a na nil not_provided private restricted unavailable undefined unknown
withheld
"""

SOCIAL_KINDS = frozenset(_SOCIAL_NETWORKS.split())
VENDOR_KINDS = frozenset(_VENDORS.split())
STRONG_KINDS = frozenset({EMAIL, PHONE}) | SOCIAL_KINDS | VENDOR_KINDS
"""Kinds that tell people apart. A handle of another kind finds a contact, but never makes two of them one."""
ROLE_MAILBOXES = frozenset(_ROLES.split())
"""Local parts of addresses that several people read: those of RFC 2142, the usual others, and those of other
languages (https://www.rfc-editor.org/rfc/rfc2142)."""

_KIND_NAMES = {
    **dict.fromkeys(("e-mail", "e_mail", "email_address", "mail", "mailto", "google"), EMAIL),
    **dict.fromkeys(
        ("phone_number", "mobile", "mobile_phone", "telephone", "tel", "sms", "voice", "whatsapp"), PHONE
    ),
    **{"x": "twitter", "fb": "facebook"},
}
"""Other names of kinds. Zendesk's identities ``phone_number`` and ``google`` (an address) are among them:
https://developer.zendesk.com/api-reference/ticketing/users/user_identities/"""

_NOBODY = frozenset(_NO_NAMES.split())
_PREFIX = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*:(.*)", re.DOTALL)
_ADDRESS = re.compile(r"[^\s<>(),:;\"@]+@[^\s<>(),:;\"@]+\.?[^\s<>(),:;\"@.]+")
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD))


@lru_cache(maxsize=100_000)
def normal_handle(handle: str, phone_region: str = "") -> str | None:
    """``handle`` (kind:value) in its one form, ``None`` where it names nobody (anonymous, no address).

    ``phone_region`` (ISO 3166, for example DE) is where numbers without a country code are at home; without
    it they keep their digits only. A kind not known here is lower-cased, its value case folded. The form of a
    form is itself.
    """
    prefix = _PREFIX.fullmatch(handle)
    if prefix is None:
        return None
    kind = _known_kind(prefix[1])
    value = unicodedata.normalize("NFKC", prefix[2]).translate(_INVISIBLE).strip()
    if value.casefold().strip("@") in _NOBODY:
        return None
    if kind == EMAIL:
        value = _address(value)
    elif kind == PHONE:
        value = _number(value, phone_region)
    elif kind in SOCIAL_KINDS:
        value = _account_name(value)
    elif kind not in VENDOR_KINDS:
        value = value.casefold()
    form = f"{kind}:{value}" if value else None
    return form if form is None or form == handle else normal_handle(form, phone_region)


def handle_in(contact_id: str, phone_region: str = "") -> str | None:
    """The handle that ``contact_id`` really is (``email:ann@x.example`` or a bare address), else ``None``."""
    prefix = _PREFIX.fullmatch(contact_id)
    if prefix is not None:
        is_known = _known_kind(prefix[1]) in STRONG_KINDS
        return normal_handle(contact_id, phone_region) if is_known else None
    return normal_handle(f"{EMAIL}:{contact_id}") if "@" in contact_id.strip()[1:] else None


def names_nobody(contact_id: str) -> bool:
    """Whether ``contact_id`` is a handle that stands for nobody, for example ``phone:anonymous``."""
    prefix = _PREFIX.fullmatch(contact_id)
    if prefix is None or _known_kind(prefix[1]) not in STRONG_KINDS:
        return False
    value = prefix[2].strip().strip("@").casefold()
    return not value or value in _NOBODY


def kind_of(handle: str) -> str:
    """The kind of a normal handle."""
    return handle.partition(":")[0]


def tells_people_apart(handle: str) -> bool:
    """Whether two contacts with this normal handle are one person, as far as the handle itself can say.

    Not so for kinds outside ``STRONG_KINDS``, for role mailboxes, and for phone numbers without a country.
    """
    kind, _, value = handle.partition(":")
    if kind not in STRONG_KINDS or is_role_mailbox(handle):
        return False
    return kind != PHONE or value.startswith("+")


def is_role_mailbox(handle: str) -> bool:
    """Whether several people read this mailbox: ``info@``, ``billing@``, ``no-reply@`` and the like."""
    kind, _, value = handle.partition(":")
    local = value.partition("@")[0].partition("+")[0]
    return kind == EMAIL and (local in ROLE_MAILBOXES or local.strip("0123456789-_.") in ROLE_MAILBOXES)


def _known_kind(written: str) -> str:
    name = written.lower()
    return _KIND_NAMES.get(name, name)


def _address(value: str) -> str:
    """The one address in ``value``, empty where there is none or more than one."""
    bracketed = re.findall(r"<([^<>]*)>", value)
    found = _ADDRESS.findall(bracketed[-1] if bracketed else value)
    if len(found) != 1:
        return ""
    local, _, domain = found[0].strip(".'").casefold().rpartition("@")
    if domain.startswith("xn--") or ".xn--" in domain:
        try:
            domain = domain.encode("ascii").decode("idna")
        except UnicodeError:
            return f"{local}@{domain}"
    return f"{local}@{domain}"


def _number(value: str, region: str) -> str:
    """The number in E.164, with ``;ext=`` for an extension; digits only where no country is known.

    Empty where the number begins with ``+`` and is none of the country it names.
    """
    value = value.removeprefix("tel:")
    digits = "".join(str(unicodedata.digit(character)) for character in value if character.isdigit())
    if len(digits) < 4 or len(set(digits)) == 1:
        return ""
    as_written = _e164(value, region)
    if as_written or value.startswith("+"):
        return as_written
    return _e164(digits, region) or digits


def _e164(value: str, region: str) -> str:
    try:
        number = phonenumbers.parse(value, region or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    known = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{known};ext={number.extension}" if number.extension else known


def _account_name(value: str) -> str:
    """``ann`` of ``@Ann`` and of ``https://x.com/Ann/``."""
    if "://" in value:
        value = value.partition("://")[2].partition("?")[0].rstrip("/").rpartition("/")[2]
    return value.lstrip("@").casefold()
