"""Personal data by its form: patterns per kind, as n8n names them. They tell forms, not truths: eight digits are a bank number."""

from collections.abc import Iterable
from typing import Final

__all__ = ["patterns"]

_PASSPORT_IT: Final = r"\b[A-Z]{2}\d{7}\b"
KINDS: Final[dict[str, str]] = {
    "CREDIT_CARD": r"\b\d{4}[-\s]?\d{4}[-\s]?\d{4}[-\s]?\d{4}\b",
    "CRYPTO": r"\b[13][a-km-zA-HJ-NP-Z1-9]{25,34}\b",
    "DATE_TIME": r"\b(?:0[1-9]|1[0-2])[/-](?:0[1-9]|[12]\d|3[01])[/-](?:19|20)\d{2}\b",
    "EMAIL_ADDRESS": r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}\b",
    "IBAN_CODE": r"\b[A-Z]{2}\d{2}[A-Z0-9]{4}\d{7}[A-Z0-9]{0,16}\b",
    "IP_ADDRESS": r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    "LOCATION": r"\b[A-Za-z\s]+(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Lane|Ln|Place|Pl|Court|Ct|Way|Highway|Hwy)\b",
    "PHONE_NUMBER": r"\b\+?\(?\d{3}\)?[-\s.]?\d{3}[-\s.]?\d{4,6}\b",
    "MEDICAL_LICENSE": r"\b[A-Z]{2}\d{6}\b",
    "US_BANK_NUMBER": r"\b\d{8,17}\b",
    "US_DRIVER_LICENSE": r"\b[A-Z]\d{7}\b",
    "US_ITIN": r"\b9\d{2}-\d{2}-\d{4}\b",
    "US_PASSPORT": r"\b[A-Z]\d{8}\b",
    "US_SSN": r"\b\d{3}-\d{2}-\d{4}\b|\b\d{9}\b",
    "UK_NHS": r"\b\d{3} \d{3} \d{4}\b",
    "UK_NINO": r"\b[A-Z]{2}\d{6}[A-Z]\b",
    "ES_NIF": r"\b[A-Z]\d{8}\b",
    "ES_NIE": r"\b[A-Z]\d{8}\b",
    "IT_FISCAL_CODE": r"\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b",
    "IT_DRIVER_LICENSE": _PASSPORT_IT,
    "IT_VAT_CODE": r"\bIT\d{11}\b",
    "IT_PASSPORT": _PASSPORT_IT,
    "IT_IDENTITY_CARD": _PASSPORT_IT,
    "PL_PESEL": r"\b\d{11}\b",
    "SG_NRIC_FIN": r"\b[A-Z]\d{7}[A-Z]\b",
    "SG_UEN": r"\b\d{8}[A-Z]\b|\b\d{9}[A-Z]\b",
    "AU_ABN": r"\b\d{2} \d{3} \d{3} \d{3}\b",
    "AU_ACN": r"\b\d{3} \d{3} \d{3}\b",
    "AU_TFN": r"\b\d{9}\b",
    "AU_MEDICARE": r"\b\d{4} \d{5} \d\b",
    "IN_PAN": r"\b[A-Z]{5}\d{4}[A-Z]\b",
    "IN_AADHAAR": r"\b\d{4} \d{4} \d{4}\b",
    "IN_VEHICLE_REGISTRATION": r"\b[A-Z]{2}\d{2}[A-Z]{2}\d{4}\b",
    "IN_VOTER": r"\b[A-Z]{3}\d{7}\b",
    "IN_PASSPORT": r"\b[A-Z]\d{7}\b",
    "FI_PERSONAL_IDENTITY_CODE": r"\b\d{6}[+-A]\d{3}[A-Z0-9]\b",
}
"""Kind -> pattern, in the order in which n8n reports them."""


def patterns(kinds: Iterable[str] | None) -> list[tuple[str, str]]:
    """Return (kind, pattern) of these kinds in their order; None: of all."""
    wanted = KINDS.keys() if kinds is None else set(kinds)
    return [(kind, pattern) for kind, pattern in KINDS.items() if kind in wanted]
