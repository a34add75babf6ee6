"""Which column of a file is which identifier, as far as names tell; a person looks at it before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.model.source import Identifier
from guestlist.model.vocabulary import Field

_CALLED = {
    Field.EMAIL: ("email", "emailaddress", "mail", "hashedemail", "emailsha256", "sha256email"),
    Field.PHONE: ("phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "tel", "telephone", "cell", "phone1"),
    Field.FIRST_NAME: ("firstname", "first", "fname", "fn", "givenname", "vorname"),
    Field.LAST_NAME: ("lastname", "last", "lname", "ln", "surname", "familyname", "nachname"),
    Field.CITY: ("city", "town", "ct", "ort"),
    Field.STATE: ("state", "province", "region", "st"),
    Field.POSTAL_CODE: ("postalcode", "postcode", "zip", "zipcode", "plz"),
    Field.COUNTRY: ("country", "countrycode", "land"),
    Field.GENDER: ("gender", "sex", "gen"),
    Field.MOBILE_AD_ID: ("mobileadid", "madid", "maid", "idfa", "gaid", "adid"),
    Field.EXTERNAL_ID: ("externalid", "extern", "userid", "customerid"),
}


def guessed(columns: Sequence[str], taken: Mapping[Field, Identifier]) -> dict[str, Any]:
    """Identifier -> its columns, as a segment file has them, for those that an intake takes and a file seems to have."""
    found: dict[str, Any] = {}
    for field, own in taken.items():
        names = [name for name in own.columns if name in columns] or _named(columns, field)
        if names:
            found[field.value] = {"columns": names, "hashed": own.hashed}
    if phone := found.get(Field.PHONE.value):
        own = taken[Field.PHONE]
        phone["region"] = (
            own.region if own.fixed_region or own.region in columns else next(iter(_named(columns, Field.COUNTRY)), None)
        )
    return found


def _named(columns: Sequence[str], field: Field) -> list[str]:
    return [name for name in columns if "".join(filter(str.isalnum, name.casefold())) in _CALLED.get(field, ())][:1]
