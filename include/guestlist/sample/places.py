"""The sample's countries: how many customers, whose names, and cities with their states and postal codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A city; its postal codes begin with ``postal``."""

    city: str
    state: str | None
    postal: str


@dataclass(frozen=True)
class Country:
    """``weight`` is its share of the customers; ``postal`` is how its postal codes end: ``#`` a digit, ``@`` a letter."""

    code: str
    weight: int
    names: str
    postal: str
    places: tuple[Place, ...]


def _country(code: str, weight: int, names: str, postal: str, places: str) -> Country:
    """``places`` are written ``city|state|postal``, separated by semicolons."""
    return Country(code, weight, names, postal, tuple(_place(text) for text in places.split("; ")))


def _place(text: str) -> Place:
    city, state, postal = text.split("|")
    return Place(city, state or None, postal)


COUNTRIES = (
    _country(
        *("US", 20, "en", "##"),
        "New York|NY|100; Los Angeles|CA|900; St. Louis|MO|631; Chicago|Illinois|606; San José|CA|951; O'Fallon|MO|633; "
        "Winston-Salem|NC|271; Boston|Massachusetts|021; Coeur d'Alene|ID|838; Ft. Worth|TX|761; Washington|D.C.|200",
    ),
    _country(
        *("CA", 4, "en", " #@#"),
        "Toronto|ON|M5V; Montréal|QC|H2Y; Québec|Québec|G1R; Vancouver|BC|V6B; Trois-Rivières|QC|G9A; St. John's|NL|A1C",
    ),
    _country(
        *("GB", 9, "en", " #@@"),
        "London||SW1A; Manchester|Greater Manchester|M1; Stoke-on-Trent||ST4; Edinburgh|Scotland|EH1; Cardiff|Wales|CF10",
    ),
    _country("IE", 1, "en", " @##@", "Dublin 2|Co. Dublin|D02; Cork|Cork|T12; Dún Laoghaire|Dublin|A96"),
    _country(
        *("DE", 11, "de", "##"),
        "Berlin|Berlin|101; München|Bayern|803; Köln|NRW|506; Düsseldorf|Nordrhein-Westfalen|402; Nürnberg|BY|904; "
        "Frankfurt am Main|Hessen|603; Lübeck|Schleswig-Holstein|235; Dresden|Sachsen|010; Görlitz|SN|028",
    ),
    _country("AT", 2, "de", "#", "Wien|Wien|101; Graz|Steiermark|801; St. Pölten|NÖ|310; Salzburg||502"),
    _country("CH", 2, "de", "#", "Zürich|ZH|800; Genève|GE|120; Basel|BS|400; St. Gallen|SG|900; Neuchâtel|NE|200"),
    _country(
        *("FR", 7, "fr", "##"),
        "Paris|Île-de-France|750; Saint-Étienne||420; Nîmes|Occitanie|300; Orléans||450; Besançon||250; L'Haÿ-les-Roses||942",
    ),
    _country("BE", 2, "nl", "#", "Bruxelles||100; Antwerpen|Antwerpen|200; Liège||400; Gent|Oost-Vlaanderen|900"),
    _country("NL", 3, "nl", "# @@", "Amsterdam|NH|101; 's-Gravenhage|ZH|251; Den Bosch|NB|521; Groningen||971"),
    _country("ES", 4, "es", "##", "Madrid|Madrid|280; A Coruña|Galicia|150; Cádiz||110; Barcelona|Cataluña|080"),
    _country("IT", 4, "it", "##", "Roma|RM|001; Milano|MI|201; Forlì|FC|471; L'Aquila|AQ|671; Reggio nell'Emilia|RE|421"),
    _country("PT", 1, "pt", "#-###", "Lisboa||110; Évora||700; Setúbal||290"),
    _country("SE", 2, "nordic", " ##", "Göteborg||411; Malmö||211; Stockholm||111; Örebro||702"),
    _country("NO", 1, "nordic", "##", "Oslo||01; Tromsø||90; Ålesund||60"),
    _country("DK", 1, "nordic", "##", "København K||10; Århus C||80; Helsingør||30"),
    _country("FI", 1, "nordic", "##", "Helsinki||001; Jyväskylä||401; Hämeenlinna||131"),
    _country("PL", 3, "pl", "-###", "Łódź|łódzkie|90; Warszawa|mazowieckie|00; Kraków||31; Gdańsk||80"),
    _country("CZ", 1, "cs", " ##", "Praha 1||110; Plzeň||301; České Budějovice||370"),
    _country("HU", 1, "east", "#", "Budapest||105; Győr||902; Hódmezővásárhely||680"),
    _country("RO", 1, "east", "####", "București||01; Iași|Iași|70; Cluj-Napoca|Cluj|40"),
    _country("GR", 1, "el", " ##", "Αθήνα||105; Θεσσαλονίκη||546; Ηράκλειο||712"),
    _country("BG", 1, "bg", "##", "София||10; Пловдив||40; Велико Търново||50"),
    _country("UA", 1, "uk", "###", "Київ||01; Львів||79; Харків||61"),
    _country("TR", 2, "tr", "###", "İstanbul||34; Iğd\u0131r||76; Şanl\u0131urfa||63; Ankara||06"),
    _country("IL", 1, "he", "#####", "תל אביב||61; ירושלים||91; חיפה||31"),
    _country("AE", 1, "ar", "", "دبي|دبي|; أبوظبي||"),
    _country("SA", 1, "ar", "###", "الرياض||11; جدة||21"),
    _country("EG", 1, "ar", "###", "القاهرة||11; الإسكندرية||21"),
    _country("IN", 5, "hi", "###", "मुंबई|महाराष्ट्र|400; दिल्ली|DL|110; Bengaluru|KA|560; Chennai|Tamil Nadu|600"),
    _country("JP", 4, "ja", "-####", "東京都|東京都|100; 大阪市|大阪府|530; 札幌市|北海道|060; ﾖｺﾊﾏ|神奈川県|220"),
    _country("KR", 2, "ko", "##", "서울|서울특별시|045; 부산||482; 제주시|제주|631"),
    _country("CN", 2, "zh", "###", "北京||100; 上海||200; 广州|广东|510"),
    _country("TW", 1, "zh_tw", "##", "臺北市||100; 高雄市||800"),
    _country("SG", 1, "en", "####", "Singapore||01; Singapore||23"),
    _country("TH", 1, "th", "##", "กรุงเทพมหานคร||101; เชียงใหม่||502"),
    _country("VN", 1, "vi", "###", "Hà Nội||100; TP. Hồ Chí Minh||700; Đà Nẵng||550"),
    _country("AU", 3, "en", "#", "Sydney|NSW|200; Melbourne|Victoria|300; Coober Pedy|SA|572"),
    _country("NZ", 1, "en", "#", "Auckland||101; Whangārei||011; Ōtaki||551"),
    _country("BR", 3, "pt", "-###", "São Paulo|SP|01310; Brasília|DF|70040; Maceió|Alagoas|57020; Belém|PA|66010"),
    _country("MX", 2, "es", "##", "Ciudad de México|CDMX|060; Mérida|Yucatán|970; San Luis Potosí|SLP|780"),
    _country("AR", 1, "es", "", "Buenos Aires|CABA|C1002AAB; Córdoba|Córdoba|X5000; Río Cuarto||5800"),
    _country("ZA", 1, "en", "##", "Cape Town|WC|80; Johannesburg|Gauteng|20"),
)
