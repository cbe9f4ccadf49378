"""Names of people and companies, by language; and the identifiers that Salesforce gives to records."""

from random import Random

FIRST = {
    "en": "Alice Ben Carol David Emma Frank Grace Henry Isla Jack Karen Liam Mary Noah Olivia Paul Rose Sam",
    "de": "Anna Bernd Clara Dieter Eva Felix Gerda Hans Ines Jonas Katrin Lukas Maria Nils Petra Ralf Tim",
    "fr": "Amélie Bruno Camille Denis Élodie François Gaëlle Hugo Inès Julien Laure Marc Nadia Olivier Rémi",
    "es": "Ana Bruno Carmen Diego Elena Felipe Gloria Hugo Inés Javier Lucía Mario Nuria Óscar Paula Raúl",
    "pt": "Ana Bruno Clara Duarte Eva Filipe Graça Hélder Inês João Leonor Miguel Nuno Otávio Rui Sofia",
}
LAST = {
    "en": "Adams Baker Carter Doyle Evans Foster Green Harris Irving Jones King Lewis Moore Nash Owens Price",
    "de": "Albrecht Bauer Dietrich Engel Fischer Graf Hoffmann Jung Keller Lang Maier Neumann Roth Schulz",
    "fr": "Arnaud Bernard Chevalier Dubois Fontaine Girard Lambert Lefèvre Martin Moreau Petit Renard Simon",
    "es": "Álvarez Blanco Castro Díaz Fuentes García Herrera Iglesias López Molina Navarro Ortega Prieto",
    "pt": "Almeida Barbosa Cardoso Dias Esteves Ferreira Gomes Lopes Martins Nogueira Oliveira Pereira Silva",
}
COMPANY_HEAD = (
    "Alder Beacon Cobalt Delta Ember Fjord Granite Harbor Indigo Juniper Kestrel Lumen Marlow Nimbus Orchard "
    "Pioneer Quarry Ridge Summit Tandem Umbra Vertex Willow Zenith Atlas Birch Cedar Drift Falcon Garnet"
)
COMPANY_TAIL = (
    "Analytics Bakery Capital Dental Energy Foods Freight Health Labs Logistics Media Motors Partners Retail "
    "Robotics Software Steel Studio Systems Travel"
)
LEGAL_FORM = {
    "en": ("Inc", "Ltd", "LLC"),
    "de": ("GmbH", "AG"),
    "fr": ("SARL", "SAS"),
    "es": ("SL", "SA"),
    "pt": ("Lda", "SA"),
}
PLAIN = str.maketrans("áàâãäéèêëíïóôõöúüçñÁÉÍÓÚ", "aaaaaeeeeiioooouucnAEIOU")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def person_name(rng: Random, language: str) -> str:
    """First and last name that are usual where ``language`` is spoken."""
    return f"{rng.choice(FIRST[language].split())} {rng.choice(LAST[language].split())}"


def company_name(rng: Random, language: str, index: int) -> str:
    """A company's name, unique by its number."""
    head, tail = rng.choice(COMPANY_HEAD.split()), rng.choice(COMPANY_TAIL.split())
    return f"{head} {tail} {index + 1} {rng.choice(LEGAL_FORM[language])}"


def plain(text: str) -> str:
    """``text`` as it appears in addresses: lower case, no accents, no blanks."""
    return text.translate(PLAIN).lower().replace(" ", "")


def salesforce_id(prefix: str, number: int) -> str:
    """An 18-character Salesforce id: 15 case-sensitive characters and a check of their capitals."""
    digits = ""
    for _ in range(8):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    case_sensitive = f"{prefix}Hs00{digits}"
    check = ""
    for start in (0, 5, 10):
        capitals = sum(case_sensitive[start + bit].isupper() << bit for bit in range(5))
        check += _CHECK[capitals]
    return case_sensitive + check
