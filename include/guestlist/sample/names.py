"""Common given and family names by language, in the script in which their bearers write them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pool:
    """Names that go together."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    family: tuple[str, ...]


def _pool(women: str, men: str, family: str) -> Pool:
    return Pool(tuple(women.split()), tuple(men.split()), tuple(family.replace("_", "\u00a0").split(" ")))


POOLS = {
    "en": _pool(
        "Mary Emma Olivia Grace Sarah-Jane Chloe Hannah Zoe Megan Alice Ruth Imogen",
        "James William Oliver Jack Thomas Harry George Noah Ethan Liam Samuel Owen",
        "Smith Jones O'Brien Taylor Brown McDonald Wilson Evans O\u2019Connor Walker Wright Hughes Green St.John Clarke",
    ),
    "de": _pool(
        "Käthe Anna-Lena Jürgen-Marie Sabine Ursula Heike Bärbel Lea Mia Franziska Gülay Jördis",
        "Jörg Günther Björn Lukas Felix Maximilian Jürgen Sören Karl-Heinz Matthias Uwe Götz",
        "Müller Schäfer Weiß Köhler Groß Schröder Krüger Böhm Jäger Vogel Becker Lüdenscheidt-Hößl Schulze Y\u0131lmaz",
    ),
    "fr": _pool(
        "Éloïse Chloé Hélène Zoé Camille Anaïs Inès Maëlle Océane Françoise Marie-Ève Noémie",
        "François Jérôme Gaël Léo Raphaël Benoît Jean-Luc Théo Étienne Loïc Noël Hervé",
        "Lefèvre Béranger Côté D'Amour Lemaître Gauthier L'Écuyer Moreau Dubois Garçon Bouché Châtelain",
    ),
    "es": _pool(
        "María José Begoña Lucía Sofía Inés Ángela Concepción Núria Rocío Ximena Estefanía",
        "José Iñaki Andrés Jesús Ángel Raúl Íñigo Sebastián Joaquín Martín Óscar Nicolás",
        "García Núñez Muñoz Fernández López Pérez Ibáñez Peña Gómez Rodríguez Ordóñez Güell Sánchez Álvarez",
    ),
    "it": _pool(
        "Giulia Chiara Francesca Noemi Beatrice Alessia Martina Ilaria Lucia Niccolina",
        "Niccolò Matteo Andrea Giovanni Lorenzo Davide Luca Salvatore Nicolò Pietro",
        "Rossi D'Angelo Ferrari Esposito Dell'Acqua Nicolò Conti De_Luca Mancini Libertà Costa Cantù",
    ),
    "nl": _pool(
        "Anouk Sanne Fleur Noor Zoë Maartje Femke Lotte Renée Noëlle",
        "Daan Bram Sjoerd Thijs Joris Ruben Jesse Jeroen Pieter-Jan Gijs",
        "Jansen De_Vries Van_den_Berg Bakker Visser Smit Meijer Mulder 't_Hoen Bos Dekker Van_Dijk",
    ),
    "nordic": _pool(
        "Åsa Märta Søs Ingrid Freja Sigríður Linnéa Solveig Bodil Aino Päivi Gunhild",
        "Björn Lars Søren Håkon Åke Jesper Øyvind Jürgen Pekka Väinö Magnus Kjell",
        "Öberg Ångström Sørensen Lindström Bjørnstad Hämäläinen Nielsen Håkansson Kjær Virtanen Sjöberg Østby",
    ),
    "pl": _pool(
        "Małgorzata Agnieszka Zofia Łucja Śnieżana Katarzyna Grażyna Hanna Świętosława Jadwiga",
        "Łukasz Paweł Stanisław Michał Józef Wojciech Krzysztof Bartłomiej Grzegorz Zbigniew",
        "Wójcik Kowalczyk Gołębiowski Żak Śliwiński Zając Dąbrowski Nowak Błaszczyk Wróbel",
    ),
    "cs": _pool(
        "Kateřina Růžena Žofie Tereza Eliška Božena Zdeňka Lucie Markéta Šárka",
        "Jiří Tomáš Lukáš Ondřej Zdeněk Václav Miloš Řehoř František Štěpán",
        "Novák Dvořák Černý Procházka Kučera Růžička Šťastný Krejčí Veselý Žižka",
    ),
    "east": _pool(
        "Ioana Ștefania Katalin Zsófia Ágnes Mădălina Eszter Anca Țuța Réka",
        "Ștefan Mihai László Gergő Răzvan Bálint Șerban Győző Cătălin Ödön",
        "Popescu Nagy Kovács Țepeș Szőke Brâncuși Tóth Mureșan Kőrösi Ionescu Dănilă Fülöp",
    ),
    "tr": _pool(
        "Ayşe Gülşen İrem Elif Çiğdem Şebnem Zeynep Iş\u0131l Özge Tuğba",
        "Mehmet İbrahim Uğur Çağlar Şükrü Ömer Emre Hakan Yiğit Kağan",
        "Y\u0131lmaz Çelik Şahin Öztürk Doğan Iş\u0131k Güneş İnce K\u0131l\u0131ç Ayd\u0131n",
    ),
    "pt": _pool(
        "Conceição Inês Júlia Antônia Beatriz Luísa Fátima Mônica Letícia Graça",
        "João José Antônio Luís Tomás Mário Estêvão Vinícius Simão Cláudio",
        "da_Silva Gonçalves Simões Araújo Conceição Magalhães Brandão dos_Santos Falcão Guimarães",
    ),
    "vi": _pool(
        "Hương Thảo Ngọc Linh Phượng Thúy Hằng Trúc Quỳnh Yến",
        "Đức Hùng Tuấn Dũng Bảo Phước Khánh Việt Sơn Thành",
        "Nguyễn Trần Lê Phạm Hoàng Võ Đặng Bùi Đỗ Hồ",
    ),
    "el": _pool(
        "Ελένη Μαρία Κατερίνα Δήμητρα Σοφία Ιωάννα Αγγελική Ζωή Χρυσούλα Βασιλική",
        "Γιώργος Νίκος Κώστας Δημήτρης Ιωάννης Αλέξανδρος Χρήστος Ηλίας Στέφανος Σταύρος",
        "Παπαδόπουλος Νικολάου Οικονόμου Γεωργίου Δημητρίου Αθανασίου Μακρής Καραγιάννης Λάμπρου Βλάχος",
    ),
    "uk": _pool(
        "Оксана Олена Ірина Наталія Юлія Ганна Соломія Дарина Єва Марія",
        "Олександр Андрій Сергій Дмитро Богдан Назар Юрій Їжак Ярослав Михайло",
        "Шевченко Коваленко Бондаренко Ткаченко Кравченко Олійник Шевчук Поліщук Мороз Петренко",
    ),
    "bg": _pool(
        "Мария Иванка Елена Десислава Йорданка Цветелина Радка Гергана Надежда Силвия",
        "Георги Иван Димитър Николай Христо Йордан Стоян Пламен Борислав Щилян",
        "Николаеви Стоянови Жечеви Щерева Чакър Мутафчи Хаджи Бояджи Дерменджи Кафеджи",
    ),
    "he": _pool(
        "שרה רחל נועה תמר יעל מיכל אסתר חנה שירה דנה",
        "משה דוד יוסף אברהם איתי נועם אורי דניאל שמעון יצחק",
        "כהן לוי מזרחי פרץ ביטון אברהם פרידמן שפירא אזולאי דהן",
    ),
    "ar": _pool(
        "فاطمة عائشة مريم نور ليلى سارة خديجة زينب هدى سلمى",
        "محمد أحمد علي عمر خالد يوسف حسن إبراهيم عبدالله مصطفى",
        "العلي حسن الأحمد المصري الشامي عبدالرحمن الحداد النجار الخطيب السيد",
    ),
    "hi": _pool(
        "प्रिया अंजलि सुनीता पूजा काव्या दीपिका अनन्या मीरा लक्ष्मी नेहा",
        "राहुल अमित विजय संजय अर्जुन रोहन आदित्य मोहन कृष्ण सुरेश",
        "शर्मा वर्मा सिंह गुप्ता पटेल मिश्रा जोशी यादव चौधरी मेहता",
    ),
    "ja": _pool(
        "花子 美咲 陽菜 さくら 結衣 愛 ユキ 恵子 葵 ひなた",
        "太郎 一郎 健太 大輔 翔太 ケンジ 誠 蓮 悠真 たけし",
        "山田 佐藤 鈴木 髙橋 田中 渡邉 伊藤 タナカ 小林 さとう",
    ),
    "ko": _pool(
        "영희 지민 수진 민지 서연 은영 하은 유나 혜진 소라",
        "철수 민수 영호 지훈 성민 준호 동현 재욱 현우 승우",
        "김 이 박 최 정 강 조 윤 장 남궁",
    ),
    "zh": _pool("芳 娜 秀英 敏 静 丽 艳 桂英 雪梅 晓燕", "伟 强 磊 军 洋 勇 杰 涛 明 志强", "王 李 张 刘 陈 杨 赵 黄 周 欧阳"),
    "zh_tw": _pool(
        "怡君 淑芬 雅婷 美玲 佳穎 麗華 惠雯 詩涵 靜宜 玉蘭",
        "志明 家豪 俊傑 建宏 承恩 冠宇 文雄 宗翰 國榮 柏翰",
        "陳 林 黃 張 李 王 吳 劉 蔡 歐陽",
    ),
    "th": _pool(
        "สมหญิง มาลี สุดา วิภา นิภา อรทัย ปราณี กานดา ชนิดา พิมพ์",
        "สมชาย สมศักดิ์ วิชัย ประเสริฐ ณัฐ อนันต์ ธนา กิตติ ชัยวัฒน์ ศักดิ์",
        "ใจดี แก้วมณี ทองดี ศรีสุข บุญมา สุขใจ รักไทย พงษ์ไพร วงศ์ไทย จันทร์",
    ),
}
