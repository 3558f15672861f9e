"""Encodings are detected by what reads like a language."""

import unicodedata
from typing import Final

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.decoding import decode, doubtful_encoding, guess_encoding
from app.ingest.reading import read_document

# Language, its encodings, and a text of our own.
SAMPLES: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "fr",
        "cp1252 iso-8859-1 iso-8859-15 cp850",
        "Le musée est fermé le lundi et l’entrée coûte douze euros. "
        "Les élèves paient moitié prix à partir de dix heures. "
        "Pendant l’été, la fête commence à la tombée de la nuit, près"
        " de la vieille fontaine. Où trouver les clés du château ? "
        "Elles sont déposées à la réception, derrière le comptoir, où"
        " François les garde jusqu’à midi.",
    ),
    (
        "de",
        "cp1252 iso-8859-1 iso-8859-15 cp850",
        "Die Bücherei öffnet täglich außer sonntags um neun Uhr. Für "
        "Schüler ist der Eintritt ermäßigt, größere Gruppen müssen "
        "sich vorher anmelden. Im Frühjahr werden die Möbel überprüft"
        " und die Türen frisch gestrichen. Wer später zurückgibt, "
        "zahlt eine Gebühr von fünfzig Cent für jede Woche.",
    ),
    (
        "es",
        "cp1252 iso-8859-1 iso-8859-15",
        "La biblioteca abrirá sus puertas mañana a las nueve y media."
        " Los niños pagarán la mitad del precio, según el reglamento."
        " ¿Dónde están los señores que pidieron el catálogo? El año "
        "pasado hubo más visitas que en cualquier otra época, y la "
        "sección de música creció rápidamente.",
    ),
    (
        "it",
        "cp1252 iso-8859-1",
        "La biblioteca è aperta ogni giorno, però il lunedì resta "
        "chiusa. La città offre più libri di quanti se ne possano "
        "leggere; perché non venire già domani? L’ingresso costa metà"
        " per gli studenti e così sarà anche l’anno prossimo, finché "
        "il comune potrà pagare la società che la gestisce.",
    ),
    (
        "pt",
        "cp1252 iso-8859-1",
        "A biblioteca não abrirá amanhã porque a reparação do telhado"
        " ainda está em curso. As crianças só pagam metade do preço, "
        "até às dezoito horas. Também há sessões de leitura às "
        "terças-feiras, e a próxima será sobre a história da "
        "navegação e das grandes viagens no coração do oceano.",
    ),
    (
        "sv",
        "cp1252 iso-8859-1",
        "Biblioteket är öppet varje dag utom på måndagar. För elever "
        "är inträdet halva priset, och större grupper måste anmäla "
        "sig i förväg. På våren målas dörrarna om och hyllorna gås "
        "igenom. Den som lämnar tillbaka böcker för sent får betala "
        "en avgift på fem kronor per påbörjad vecka.",
    ),
    (
        "da",
        "cp1252 iso-8859-1",
        "Biblioteket er åbent alle dage undtagen mandag. Børn og unge"
        " får gratis adgang, og større grupper skal tilmelde sig på "
        "forhånd. Om foråret bliver dørene malet, og hylderne "
        "gennemgås. Den, der afleverer bøger for sent, betaler et "
        "gebyr på fem kroner for hver påbegyndt uge.",
    ),
    (
        "nl",
        "cp1252",
        "De bibliotheek is elke dag geopend, behalve op maandag. "
        "Leerlingen krijgen korting en één keer per jaar is de "
        "toegang gratis. Geïnteresseerden kunnen zich vóór vrijdag "
        "aanmelden bij de coördinator. Wie boeken te laat "
        "terugbrengt, betaalt € 0,50 per week – ook in de zomer, "
        "zoals afgesproken.",
    ),
    (
        "pl",
        "cp1250 iso-8859-2",
        "Biblioteka jest czynna codziennie oprócz poniedziałków. "
        "Uczniowie płacą połowę ceny, a większe grupy muszą zgłosić "
        "się wcześniej. Wiosną odnawiamy drzwi i przeglądamy półki. "
        "Kto odda książki za późno, zapłaci karę w wysokości "
        "pięćdziesięciu groszy za każdy rozpoczęty tydzień.",
    ),
    (
        "cs",
        "cp1250 iso-8859-2",
        "Knihovna je otevřena každý den kromě pondělí. Žáci platí "
        "poloviční vstupné a větší skupiny se musí předem přihlásit. "
        "Na jaře natíráme dveře a kontrolujeme police. Kdo vrátí "
        "knihy příliš pozdě, zaplatí poplatek pět korun za každý "
        "započatý týden, a to i během letních prázdnin.",
    ),
    (
        "hu",
        "cp1250 iso-8859-2",
        "A könyvtár hétfő kivételével minden nap nyitva van. A diákok"
        " féláron léphetnek be, a nagyobb csoportoknak előre be kell "
        "jelentkezniük. Tavasszal újrafestjük az ajtókat és átnézzük "
        "a polcokat. Aki későn hozza vissza a könyveket, minden "
        "megkezdett hétért ötven forint díjat fizet.",
    ),
    (
        "ro",
        "cp1250 iso-8859-2 iso-8859-16",
        "Biblioteca este deschisă în fiecare zi, în afară de luni. "
        "Elevii plătesc jumătate din preț, iar grupurile mari trebuie"
        " să se anunțe înainte. Primăvara vopsim ușile și verificăm "
        "rafturile. Cine aduce cărțile prea târziu plătește o taxă de"
        " cinci lei pentru fiecare săptămână începută.",
    ),
    (
        "hr",
        "cp1250 iso-8859-2",
        "Knjižnica je otvorena svaki dan osim ponedjeljkom. Učenici "
        "plaćaju pola cijene, a veće skupine moraju se najaviti "
        "unaprijed. U proljeće ličimo vrata i pregledavamo police. "
        "Tko knjige vrati prekasno, plaća naknadu za svaki započeti "
        "tjedan, čak i tijekom ljetnih praznika.",
    ),
    (
        "tr",
        "cp1254 iso-8859-9",
        "Kütüphane pazartesi dışında her gün açıktır. Öğrenciler yarı"
        " fiyat öder, büyük grupların önceden kayıt yaptırması "
        "gerekir. İlkbaharda kapılar boyanır ve raflar gözden "
        "geçirilir. Kitapları geç getiren kişi başlayan her hafta "
        "için beş lira ücret öder; bu kural yaz aylarında da "
        "geçerlidir.",
    ),
    (
        "lt",
        "cp1257 iso-8859-13",
        "Biblioteka atidaryta kasdien, išskyrus pirmadienius. "
        "Moksleiviai moka pusę kainos, o didesnės grupės turi "
        "užsiregistruoti iš anksto. Pavasarį dažome duris ir "
        "peržiūrime lentynas. Kas grąžina knygas per vėlai, moka "
        "penkis centus už kiekvieną prasidėjusią savaitę, taip pat ir"
        " vasarą.",
    ),
    (
        "lv",
        "cp1257 iso-8859-13",
        "Bibliotēka ir atvērta katru dienu, izņemot pirmdienas. "
        "Skolēni maksā pusi no cenas, bet lielākām grupām jāpiesakās "
        "iepriekš. Pavasarī krāsojam durvis un pārbaudām plauktus. "
        "Kas grāmatas atnes pārāk vēlu, maksā piecus centus par katru"
        " iesākto nedēļu, arī vasaras brīvlaikā.",
    ),
    (
        "et",
        "cp1257 iso-8859-13 cp1252",
        "Raamatukogu on avatud iga päev peale esmaspäeva. Õpilased "
        "maksavad poole hinnast ja suuremad rühmad peavad end "
        "eelnevalt registreerima. Kevadel värvime uksi ja vaatame "
        "riiulid üle. Kes toob raamatud liiga hilja tagasi, maksab "
        "viis senti iga alanud nädala eest, ka suvevaheajal.",
    ),
    (
        "ru",
        "cp1251 koi8-r iso-8859-5 cp866",
        "Библиотека открыта каждый день, кроме понедельника. "
        "Школьники платят половину цены, а большие группы должны "
        "записаться заранее. Весной мы красим двери и проверяем "
        "полки. Кто возвращает книги слишком поздно, платит пять "
        "рублей за каждую начатую неделю, в том числе и летом.",
    ),
    (
        "uk",
        "cp1251 koi8-u",
        "Бібліотека відчинена щодня, крім понеділка. Учні сплачують "
        "половину ціни, а великі групи мають записатися заздалегідь. "
        "Навесні ми фарбуємо двері й перевіряємо полиці. Хто повертає"
        " книжки надто пізно, сплачує п’ять гривень за кожен "
        "розпочатий тиждень, також і влітку.",
    ),
    (
        "bg",
        "cp1251 iso-8859-5",
        "Библиотеката е отворена всеки ден освен понеделник. "
        "Учениците плащат половината от цената, а по-големите групи "
        "трябва да се запишат предварително. През пролетта боядисваме"
        " вратите и преглеждаме рафтовете. Който връща книгите твърде"
        " късно, плаща такса за всяка започната седмица.",
    ),
    (
        "el",
        "cp1253 iso-8859-7",
        "Η βιβλιοθήκη είναι ανοιχτή κάθε μέρα εκτός από τη Δευτέρα. "
        "Οι μαθητές πληρώνουν τη μισή τιμή και οι μεγάλες ομάδες "
        "πρέπει να δηλώσουν συμμετοχή εκ των προτέρων. Την άνοιξη "
        "βάφουμε τις πόρτες και ελέγχουμε τα ράφια. Όποιος επιστρέφει"
        " αργά τα βιβλία πληρώνει για κάθε εβδομάδα.",
    ),
    (
        "he",
        "cp1255 iso-8859-8",
        "הספרייה פתוחה בכל יום חוץ מיום שני. תלמידים משלמים חצי מחיר,"
        " וקבוצות גדולות חייבות להירשם מראש. באביב אנחנו צובעים את "
        "הדלתות ובודקים את המדפים. מי שמחזיר ספרים מאוחר מדי משלם "
        "חמישה שקלים עבור כל שבוע שהתחיל, גם בחופשת הקיץ.",
    ),
    (
        "ar",
        "cp1256 iso-8859-6",
        "المكتبة مفتوحة كل يوم ما عدا يوم الاثنين. يدفع التلاميذ نصف "
        "الثمن، ويجب على المجموعات الكبيرة أن تسجل مسبقا. في الربيع "
        "نطلي الأبواب ونفحص الرفوف. من يعيد الكتب متأخرا يدفع رسما عن"
        " كل أسبوع، وكذلك في فصل الصيف.",
    ),
    (
        "vi",
        "cp1258",
        "Thư viện mở cửa mỗi ngày trừ thứ hai. Học sinh trả một nửa "
        "giá vé, còn các nhóm lớn phải ghi tên trước. Mùa xuân chúng "
        "tôi sơn lại cửa và kiểm tra các kệ sách. Ai trả sách quá "
        "muộn phải nộp phí năm nghìn đồng cho mỗi tuần, kể cả trong "
        "mùa hè.",
    ),
    (
        "zh",
        "gbk gb18030",
        "图书馆除星期一外每天开放。学生支付一半的费用，人数较多的团体必须提前登记。春天我"
        "们粉刷大门并检查书架。还书太晚的人每周需要支付五元的费用，夏天也是如此。请在入口"
        "处向工作人员询问钥匙，并在下午六点之前归还。",
    ),
    (
        "zht",
        "big5",
        "圖書館除星期一外每天開放。學生支付一半的費用，人數較多的團體必須提前登記。春天我"
        "們粉刷大門並檢查書架。還書太晚的人每週需要支付五元的費用，夏天也是如此。請在入口"
        "處向工作人員詢問鑰匙，並在下午六點之前歸還。",
    ),
    (
        "ja",
        "shift_jis cp932 euc-jp",
        "図書館は月曜日を除いて毎日開いています。生徒は半額で入館でき、大きな団体は事前に"
        "登録しなければなりません。春には扉を塗り直し、本棚を点検します。本の返却が遅れた"
        "人は、夏休みの間も、一週間ごとに五十円の料金を支払います。鍵は入口の係員に尋ねて"
        "ください。",
    ),
    (
        "ko",
        "euc-kr cp949",
        "도서관은 월요일을 제외하고 매일 문을 엽니다. 학생은 입장료의 절반을 내"
        "고, 큰 단체는 미리 등록해야 합니다. 봄에는 문을 새로 칠하고 책장을 "
        "점검합니다. 책을 너무 늦게 돌려주는 사람은 여름에도 매주 오백 원의 요"
        "금을 냅니다. 열쇠는 입구의 직원에게 물어보세요.",
    ),
    (
        "th",
        "cp874",
        "ห้องสมุดเปิดทุกวันยกเว้นวันจันทร์ นักเรียนจ่ายครึ่งราคา "
        "และกลุ่มใหญ่ต้องลงทะเบียนล่วงหน้า "
        "ในฤดูใบไม้ผลิเราทาสีประตูและตรวจสอบชั้นหนังสือ "
        "ผู้ที่คืนหนังสือช้าเกินไปต้องจ่ายค่าปรับห้าบาทต่อสัปดาห์",
    ),
)
_TONES: Final = "\u0300\u0301\u0303\u0309\u0323"


def encoded(text: str, encoding: str) -> bytes:
    """As programs write it: decomposed Vietnamese tones, Romanian commas as cedillas."""
    if encoding == "cp1258":
        pieces = []
        for char in unicodedata.normalize("NFC", text):
            decomposed = unicodedata.normalize("NFD", char)
            base = "".join(one for one in decomposed if one not in _TONES)
            tones = "".join(one for one in decomposed if one in _TONES)
            pieces.append(unicodedata.normalize("NFC", base) + tones)
        text = "".join(pieces)
    if encoding in ("cp1250", "iso-8859-2"):
        text = text.translate(str.maketrans("șțȘȚ", "şţŞŢ"))
    return text.encode(encoding, errors="ignore")


@pytest.mark.parametrize(("length", "least"), [(40, 0.93), (200, 0.95), (2_000, 0.95)])
def test_encodings_are_found_by_plausibility(length: int, least: float) -> None:
    """Gate: 95 % at 200 characters over 26 encodings and more."""
    wrong, count, encodings = [], 0, set()
    for language, names, sample in SAMPLES:
        text = (sample + " ") * (length // len(sample) + 2)
        for encoding in names.split():
            for begin in (0, 57, 113):
                data = encoded(text[begin : begin + length], encoding)
                if data.isascii():
                    continue
                encodings.add(encoding)
                count += 1
                guess = guess_encoding(data)
                if guess is None or data.decode(guess.encoding) != data.decode(encoding):
                    wrong.append((language, encoding, guess))
    assert len(encodings) >= 26
    assert 1 - len(wrong) / count >= least, wrong


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample[0])
def test_unicode_is_found_with_and_without_its_mark(
    sample: tuple[str, str, str], encoding: str
) -> None:
    assert decode(sample[2].encode(encoding)).lstrip("\ufeff") == sample[2]


@pytest.mark.parametrize(
    "text",
    [
        "Müller",
        "Nom: Lefèvre; Prénom: Zoë; Montant: 12,50 €",
        "“Quoted” – said José",
        "temperature 21 °C outside",
        "© 2024 Example Ltd",
        "Señor Núñez, 45 años, ¿no?",
        "São Paulo, 12½ miles",
        "crème brûlée £4.50 a piece",
        "Name,City\nBergström,Malmö\nO’Neil,Cork",
    ],
)
def test_a_few_accents_are_read_as_western(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


def test_a_guess_from_few_letters_is_doubtful() -> None:
    few = guess_encoding(b"M\xfcller")
    many = guess_encoding(encoded(SAMPLES[0][2] * 3, "cp1252"))
    assert few is not None
    assert few.doubtful
    assert many is not None
    assert not many.doubtful


def test_colours_of_terminals_are_left_out() -> None:
    log = b"\x1b[32mOK\x1b[0m started\n\x1b[1;31mFAIL\x1b[0m disk full\n\x1b]0;title\x07end\n"
    assert decode(log) == "OK started\nFAIL disk full\nend\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"Plain words.", None),
        ("Les élèves".encode("utf-16"), None),
        (SAMPLES[0][2].encode("cp1252"), None),
        ("temp 20°C".encode("cp1252"), "Windows-1252"),
        ("Le musée e".encode("cp1252"), "Windows-1252"),
        ("Le musée".encode("cp1252"), "Windows-1252"),
    ],
)
def test_a_doubtful_guess_is_named(data: bytes, encoding: str | None) -> None:
    assert doubtful_encoding(data) == encoding
    notes = (FidelityNote("doubtful_encoding", 1, detail=encoding),) if encoding else ()
    for name in ("a.txt", "a.md", "a.csv", "a.html"):
        assert read_document(name, data, len).notes == notes


@pytest.mark.parametrize(
    "text", ["Le musée e", "élèves pai", "ont déposé", "Wörterbuch", "mañana", "Größe: 2 l"]
)
def test_pairs_of_latin_letters_are_no_chinese(text: str) -> None:
    assert len(text.encode("cp1252")) % 2 == 0
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "产品规格：额定电压二百二十伏，功率一千瓦，净重三公斤。",
        "會議紀錄：專案經理報告進度，預計下週完成測試並交付客戶。",
        "電気ポットの取扱説明書",
        "회의록: 프로젝트 진행 상황 보고",
    ],
)
def test_short_texts_in_utf_16_are_found_without_a_mark(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_what_a_page_says_of_its_encoding_is_no_guess() -> None:
    page = '<meta charset="windows-1252"><p>temp 20°C</p>'.encode("cp1252")
    assert read_document("a.html", page, len).notes == ()
