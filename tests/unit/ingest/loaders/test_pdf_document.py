"""Real-world PDFs: headers, forms, notes, columns, tables, hyphens and scripts."""

from collections.abc import Sequence

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.pdf_document import load_pdf
from app.ingest.parsed_document import IngestError, ParsedDocument
from app.ingest.passages import cut_passages
from tests.harness.growth import growth
from tests.harness.pdf_files import Drawn, Page, form, pdf_file, stream

LEFT = (
    "The committee met on the first of",
    "May and agreed that the old pump",
    "in the cellar must be replaced with",
    "a new one before the winter comes",
    "and the frost breaks the pipes.",
)
RIGHT = (
    "The garden group wants to plant six",
    "apple trees along the eastern wall",
    "and asks everybody for help on the",
    "last two Saturdays of the month of",
    "April, when the soil is soft.",
)
TABLE = (
    ("Item", "Price", "Stock"),
    ("Hose", "12.50", "3"),
    ("Pump", "450.00", "1"),
    ("Valve", "8.00", "12"),
)
ROWS = [
    "Item: Hose; Price: 12.50; Stock: 3",
    "Item: Pump; Price: 450.00; Stock: 1",
    "Item: Valve; Price: 8.00; Stock: 12",
]


def texts(source: ParsedDocument) -> list[str]:
    return [source.text[b.start : b.end] for b in source.blocks]


def placed(lines: tuple[str, ...], x: float, top: float = 700) -> list[Drawn]:
    return [(x, top - 14 * at, line) for at, line in enumerate(lines)]


def one_page(*drawn: Drawn) -> list[str]:
    return texts(load_pdf(pdf_file([Page(drawn)])))


def test_every_large_line_can_be_quoted() -> None:
    small = [(60, 600 - 9 * at, "Goods remain the property of the seller.", 7) for at in range(9)]
    large = [(60, 760, "Receipt R-2041", 14), (60, 740, "Total: 450 crowns", 14)]
    source = load_pdf(pdf_file([Page([*large, *small]), Page([(60, 400, "Closed", 30)])]))
    passages = cut_passages(source, title="T", count=lambda text: len(text.split()))
    stored = "\n".join(one.text for one in passages)
    assert all(line in stored for line in ("Receipt R-2041", "Total: 450 crowns", "Closed"))
    assert all(source.text[one.char_start : one.char_end] == one.text for one in passages)


def test_a_heading_begins_the_passage_below_it() -> None:
    drawn = [(60, 780, "The house", 24), *placed(LEFT, 60), (60, 600, "Garden", 16)]
    source = load_pdf(pdf_file([Page([*drawn, *placed(RIGHT, 60, 570)])]))
    passages = cut_passages(source, title="The house", count=lambda text: len(text.split()))
    assert [(one.heading, one.text.partition("\n")[0]) for one in passages] == [
        (None, "The house"),
        ("Garden", "Garden"),
    ]


def test_one_copy_of_what_repeats_at_the_same_height_is_kept() -> None:
    source = load_pdf(
        pdf_file(
            [
                Page([(60, 810, "Handbook"), *placed((f"About {what}.",), 60), (290, 30, number)])
                for what, number in (("cups", "- 7 -"), ("lids", "- 8 -"), ("steam", "- 9 -"))
            ]
        )
    )
    assert texts(source) == ["Handbook", "About cups.", "About lids.", "About steam."]


@pytest.mark.parametrize("number", ["Page {} of 4", "Seite {}", "{}/4", "第 {} 页", "{}"])
def test_page_numbers_follow_the_page(number: str) -> None:
    font = "F1" if number.isascii() else "U"
    pages = [
        Page([(60, 700, f"About {w}."), (290, 30, number.format(at), 11, font)])
        for at, w in enumerate(("cups", "lids", "steam", "copper"), start=1)
    ]
    assert len(texts(load_pdf(pdf_file(pages)))) == 4


def test_what_differs_in_digits_is_no_furniture() -> None:
    rows = [
        [(60, 800 - 16 * day, f"2024-{month:02}-{day:02} shut") for day in range(6)]
        for month in range(1, 5)
    ]
    years = [Page([(60, 820, str(2020 + at)), (60, 700, f"Year {at}.")]) for at in range(4)]
    assert "\n".join(texts(load_pdf(pdf_file([Page(one) for one in rows])))).count("shut") == 24
    assert {"2020", "2021", "2022", "2023"} <= set(texts(load_pdf(pdf_file(years))))


def test_letters_of_two_pages_keep_their_bodies() -> None:
    pages = [
        Page(placed(("Dear member,", f"the hall is free on {day} May.", "The board"), 60, 790))
        for day in (3, 4)
    ]
    assert all("the hall is free on" in text for text in texts(load_pdf(pdf_file(pages))))
    assert "".join(texts(load_pdf(pdf_file(pages)))).count("Dear member,") == 2


@pytest.mark.parametrize("top", [810, 40])
def test_the_letterhead_of_two_pages_is_kept_once(top: int) -> None:
    head = ("North Mill Ltd", "4 River Street, Lund", "Telephone 12 34")
    bodies = (("Dear Ann,", "the mill is open.", "It closes at"), ("nine in winter.", "Yours, Bo"))
    pages = [Page(placed(head, 60, top) + placed(body, 60, 600)) for body in bodies]
    text = "\n".join(texts(load_pdf(pdf_file(pages))))
    assert text.count("North Mill Ltd") == text.count("Telephone 12 34") == 1
    assert "Dear Ann," in text
    assert "Yours, Bo" in text


def test_two_copies_of_a_page_are_both_kept() -> None:
    head, body = ("North Mill Ltd", "4 River Street"), ("Invoice A-17", "Pump: 450", "Tax: 90")
    pages = [
        Page(placed(head, 60, 810) + placed((*body, last), 60, 600))
        for last in ("Original", "Copy")
    ]
    text = "\n".join(texts(load_pdf(pdf_file(pages))))
    assert text.count("North Mill Ltd") == text.count("Pump: 450") == 2


def test_form_values_stand_beside_their_labels() -> None:
    box = "/Rect [{} 630 {} 644] /AP << /N << /Yes 30 0 R /Off 30 0 R >> >>"
    widget = "<< /Type /Annot /Subtype /Widget"
    fields = {
        20: f"{widget} /FT /Tx /T (n) /V (Zenobia Quist) /Rect [200 690 400 710] >>",
        21: f"{widget} /FT /Ch /Ff 131072 /T (t) /V (2) /Opt [[(1) (Oslo)] [(2) (Lund)]] "
        "/Rect [200 660 400 680] >>",
        22: f"{widget} /FT /Btn /T (a) /V /Yes /AS /Yes {box.format(60, 74)} >>",
        23: f"{widget} /FT /Btn /T (b) /V /Off /AS /Off {box.format(160, 174)} >>",
        24: f"{widget} /FT /Tx /Ff 4096 /T (c) /TU (Postal address) /V (12 River Street\\nLund) "
        "/Rect [200 560 400 620] >>",
        25: "<< /FT /Tx /T (Occupation) /V (Miller) /Kids [26 0 R] >>",
        26: f"{widget} /Parent 25 0 R /Rect [200 500 400 520] >>",
        27: f"{widget} /FT /Tx /Ff 8192 /T (secret) /V (hunter2) /Rect [200 350 400 370] >>",
        28: f"{widget} /FT /Ch /Ff 2097152 /T (days) /V [(Mon) (Tue)] /Opt [(Mon) (Tue) (Wed)] "
        "/I [0 1] /Rect [200 400 400 440] >>",
        29: f"{widget} /FT /Tx /F 2 /T (hid) /V (Unseen) /Rect [200 300 400 320] >>",
    }
    made = {number: one.encode() for number, one in fields.items()}
    made[30] = stream(b"", "/Type /XObject /Subtype /Form /BBox [0 0 10 10]")
    catalog, objects = form(made)
    drawn = [(60, 696, "Name"), (60, 666, "Town"), (80, 633, "Vegetarian"), (180, 633, "Vegan")]
    shown = [f"{number} 0 R" for number in (20, 21, 22, 23, 24, 26, 27, 28, 29)]
    source = load_pdf(pdf_file([Page(drawn, shown)], catalog=catalog, objects=objects))
    assert texts(source) == [
        "Name Zenobia Quist",
        "Town Lund",
        "[x] Vegetarian [ ] Vegan",
        "Postal address: 12 River Street",
        "Lund",
        "Occupation: Miller",
        "days: Mon, Tue",
    ]


@pytest.mark.no_cover  # line coverage would distort the timing
def test_lists_of_many_choices_take_linear_time() -> None:
    def load(choices: int) -> None:
        options = " ".join(f"(Choice {number})" for number in range(choices))
        chosen = f"Choice {choices - 1}"
        field = f"/FT /Ch /T (a) /V ({chosen}) /Opt [{options}] /Rect [200 400 400 440]"
        made = {
            20 + at: f"<< /Type /Annot /Subtype /Widget {field} >>".encode() for at in range(20)
        }
        catalog, objects = form(made)
        shown = [f"{number} 0 R" for number in made]
        data = pdf_file([Page([(60, 696, "Form")], shown)], catalog=catalog, objects=objects)
        assert chosen in texts(load_pdf(data))[-1]

    assert growth(load, size=200).linear


def test_notes_links_and_attached_files_are_text() -> None:
    annotations = (
        "<< /Subtype /Text /T (Ann) /Contents (Not before the 9th) /Rect [60 600 80 620] >>",
        "<< /Subtype /FreeText /Contents (Typed over the page) /Rect [60 500 180 520] >>",
        "<< /Subtype /Highlight /Contents (Which one?) /Rect [60 696 101 712] "
        "/QuadPoints [60 712 101 712 60 698 101 698] >>",
        "<< /Subtype /Popup /Contents (Not before the 9th) /Rect [60 600 80 620] >>",
        "<< /Subtype /Text /F 2 /Contents (Hidden) /Rect [60 600 80 620] >>",
        "<< /Subtype /Link /Rect [176 696 248 712] /A << /S /URI /URI (https://a.example/b) >> >>",
        "<< /Subtype /Link /Rect [176 696 248 712] /A << /S /JavaScript /JS (run) >> >>",
        "<< /Subtype /FileAttachment /FS 22 0 R /Rect [60 400 80 420] >>",
    )
    objects = [
        b"<< /Type /Filespec /F (prices.txt) /EF << /F 21 0 R >> >>",
        stream(b"Hose: 12 crowns\n"),
        b"<< /Type /Filespec /F (photo.jpg) /EF << /F 23 0 R >> >>",
        stream(b"\xff\xd8\xff\x00"),
    ]
    names = "/Names << /EmbeddedFiles << /Names [(prices.txt) 20 0 R] >> >>"
    page = Page([(60, 700, "The plan was approved. Register here before May.")], annotations)
    source = load_pdf(pdf_file([page], catalog=names, objects=objects))
    assert texts(source) == [
        "The plan was approved. Register here before May.",
        "Note (Ann): Not before the 9th",
        "Typed over the page",
        "Note on “The plan”: Which one?",
        "Register here: https://a.example/b",
        "Attached file: prices.txt\nHose: 12 crowns",
        "Attached file: photo.jpg",
    ]
    assert source.notes == (FidelityNote("attachments", 1),)


def test_columns_drawn_across_the_gutter_are_read_one_after_the_other() -> None:
    across = [
        line for both in zip(placed(LEFT, 60), placed(RIGHT, 310), strict=True) for line in both
    ]
    expected = [" ".join(LEFT), " ".join(RIGHT)]
    assert one_page(*across) == expected
    assert one_page(*placed(LEFT, 60), *placed(RIGHT, 310)) == expected
    headline = (60, 730, "A headline over both columns that crosses the gutter of them", 14)
    assert one_page(headline, *across)[1:] == expected


def test_tables_stay_rows_however_they_are_drawn() -> None:
    cells = {
        (row, column): (60 + 150 * column, 700 - 16 * row, text)
        for row, some in enumerate(TABLE)
        for column, text in enumerate(some)
    }
    assert one_page(*cells.values()) == ROWS
    by_column = sorted(cells, key=lambda place: (place[1], place[0]))
    assert one_page(*(cells[place] for place in by_column)) == ROWS


def grid(rows: Sequence[Sequence[str]], top: float = 700) -> list[Drawn]:
    return [
        (60 + 110 * column, top - 16 * number, text)
        for number, row in enumerate(rows)
        for column, text in enumerate(row)
        if text
    ]


def test_rows_of_tables_name_their_columns_on_each_page() -> None:
    pages = [Page(grid(TABLE)), Page([*grid(TABLE[1:3]), (60, 600, "That is all for this year.")])]
    assert texts(load_pdf(pdf_file(pages))) == [*ROWS, *ROWS[:2], "That is all for this year."]
    source = load_pdf(pdf_file(pages))
    assert [block.page for block in source.blocks] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [["Town", "2023", "2024"], ["Lund", "", "3"], ["Rome", "4", "5"]],
            ["Town: Lund; 2024: 3", "Town: Rome; 2023: 4; 2024: 5"],
        ),
        (
            [["", "Sold", "Lost"], ["Lund", "4", "3"], ["Rome", "4", "5"]],
            ["Lund; Sold: 4; Lost: 3", "Rome; Sold: 4; Lost: 5"],
        ),
        (
            [["Plant", "Tested"], ["Kiruna", "412"], ["Falun", "455"], ["Lund", "7"]],
            ["Plant: Kiruna; Tested: 412", "Plant: Falun; Tested: 455", "Plant: Lund; Tested: 7"],
        ),
        (  # no header
            [["Lund", "412", "3"], ["Rome", "455", "12"]],
            ["Lund 412 3", "Rome 455 12"],
        ),
        (  # labels with values
            [["Customer", "North Mill"], ["Total", "450"], ["Tax", "90"]],
            ["Customer North Mill", "Total 450", "Tax 90"],
        ),
    ],
)
def test_what_names_columns_is_found_by_evidence(
    rows: list[list[str]], expected: list[str]
) -> None:
    assert one_page(*grid(rows)) == expected


def test_labels_stay_with_their_values() -> None:
    labels, values = ("Customer:", "Invoice:", "Pay by:"), ("North Mill", "A-17", "14 May")
    rows = ["Customer: North Mill", "Invoice: A-17", "Pay by: 14 May"]
    assert one_page(*placed(labels, 60), *placed(values, 200)) == rows
    pairs = zip(placed(labels, 60), placed(values, 200), strict=True)
    assert one_page(*(one for pair in pairs for one in pair)) == rows


def test_a_label_far_from_its_value_and_the_lines_of_a_contents_list_are_rows() -> None:
    total = [(60, 700, "Total due"), (300, 700, "450 crowns")]
    assert one_page((60, 714, "Thank you."), *total, (60, 686, "Pay by transfer."))[1:] == [
        "Total due 450 crowns",
        "Pay by transfer.",
    ]
    contents = [(60, 700, "Pumps . . . . . . . . 3"), (60, 686, "Garden . . . . . . . 17")]
    assert one_page(*contents) == ["Pumps … 3", "Garden … 17"]


def test_letters_that_are_enlarged_by_the_matrix_are_as_large_as_they_are_shown() -> None:
    small = [(60.0, 700.0 - 14 * at, line, 1.0) for at, line in enumerate(LEFT)]
    page = Page([(60, 760, "Pumps by day", 2), *small], matrix="11 0 0 11")
    source = load_pdf(pdf_file([page]))
    assert (source.title, texts(source)) == ("Pumps by day", ["Pumps by day", " ".join(LEFT)])


def test_fields_of_a_page_taken_out_of_its_form_are_read() -> None:
    field = "<< /Subtype /Widget /FT /Tx /T (Agency) /V (Wildlife Service) /Rect [60 500 90 520] >>"
    source = load_pdf(pdf_file([Page([(60, 700, "Form")], [field])]))
    assert texts(source) == ["Form", "Agency: Wildlife Service"]


def test_addresses_keep_their_lines() -> None:
    address = ("North Mill", "12 River Street", "22100 Lund")
    assert one_page(*placed(address, 60)) == ["\n".join(address)]
    assert one_page(*placed(address, 60), *placed(LEFT, 60, 600)) == [
        "\n".join(address),
        " ".join(LEFT),
    ]


def test_code_keeps_its_lines_and_its_indentation() -> None:
    code = ("def boil(pot):", "    if pot.full:", "        return heat(pot)")
    drawn = [(60, 700 - 12 * at, line, 10, "F2") for at, line in enumerate(code)]
    source = load_pdf(pdf_file([Page([*placed(LEFT, 60, 790), *drawn])]))
    assert [(b.kind, text) for b, text in zip(source.blocks, texts(source), strict=True)] == [
        ("paragraph", " ".join(LEFT)),
        ("code", "\n".join(code)),
    ]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("a self-", "cleaning pump"), "a self-cleaning pump"),
        (("the E-", "Mail of Nord-", "Süd"), "the E-Mail of Nord-Süd"),
        (("an instal-", "lation in a nor-", "mal house"), "an installation in a normal house"),
        (("the PDF-", "based state-of-", "the-art tool"), "the PDF-based state-of-the-art tool"),
        (
            ("a well known data-driven", "tool is data-", "driven"),
            "data-driven\ntool is data-driven",
        ),
        (("IN-", "FORMATION"), "INFORMATION"),
        (("COVID-", "19"), "COVID-19"),
        (("see https://a.example/long-", "path"), "see https://a.example/long-path"),
    ],
)
def test_hyphens_that_belong_to_the_word_stay(lines: tuple[str, ...], text: str) -> None:
    found = " ".join(one_page(*placed(lines, 60))).replace("\n", " ")
    assert text.replace("\n", " ") in found


@pytest.mark.parametrize(
    "lines",
    [
        ("图书馆星期一关闭，其他日子早上九点开门，", "成人票价三十元，学生半价。"),
        ("図書館は月曜日に閉まっています。ほかの日は", "朝九時に開きます。"),
        ("ห้องสมุดปิดวันจันทร์และเปิดทุกวันอื่น", "เวลาเก้าโมงเช้า"),
    ],
)
def test_lines_of_scripts_without_spaces_are_joined_without_one(lines: tuple[str, str]) -> None:
    drawn = [(60, 700 - 16 * at, line, 11, "U") for at, line in enumerate(lines)]
    assert texts(load_pdf(pdf_file([Page(drawn)], width=1000))) == ["".join(lines)]


def test_korean_is_joined_with_spaces() -> None:
    lines = ("도서관은 월요일에 닫힙니다 다른 날에는", "아침 아홉 시에 엽니다")
    drawn = [(60, 700 - 16 * at, line, 11, "U") for at, line in enumerate(lines)]
    assert texts(load_pdf(pdf_file([Page(drawn)], width=1000))) == [" ".join(lines)]


PRICE = "السعر 450 كرونة في 12 مايو 2024."


def test_arabic_is_in_reading_order_with_its_numbers() -> None:
    visual = " ".join(
        word if word[0].isdigit() else word[::-1]
        for word in reversed(PRICE.replace("2024.", ".2024").split(" "))
    ).replace("4202.", ".2024")
    assert one_page((60, 700, visual, 11, "U")) == [PRICE]
    x, apart = 400.0, []
    for word in PRICE.split(" "):
        x -= 5.5 * len(word)
        shown = ".2024" if word == "2024." else word if word.isdigit() else word[::-1]
        apart.append((x, 700, shown, 11, "U"))
        x -= 5.5
    assert one_page(*apart) == [PRICE]
    assert one_page(*reversed(apart)) == [PRICE]


def test_ligatures_and_presentation_forms_are_letters() -> None:
    assert one_page((60, 700, "ﬁle oﬃce", 11, "U")) == ["file office"]
    assert one_page((60, 700, "\ufedf\ufe8e\ufef8", 11, "U")) == ["لأال"]
    assert one_page((60, 700, "\uf0b7 point", 11, "U")) == ["• point"]


def test_vowel_signs_do_not_divide_words() -> None:
    assert one_page((60, 700, "לָה ִים"[::-1], 11, "U")) == ["לָהִים"]


def test_a_link_is_named_once() -> None:
    link = "<< /Subtype /Link /Rect [60 696 90 712] /A << /S /URI /URI (https://a.example/b) >> >>"
    shown = link.replace("a.example/b", "c.example")
    pages = [Page([(60, 700, "Rules, see https://c.example")], [link, shown]) for _ in range(2)]
    assert load_pdf(pdf_file(pages)).text.count("https://") == 3


def test_accents_that_are_drawn_over_letters_are_part_of_them() -> None:
    word = [(60, 700, "Ver", 10, "U"), (75, 700, "¨", 10, "U"), (75, 700, "offentlichung", 10, "U")]
    after = [(160, 700, "fu", 10, "U"), (170, 700, "r Pumpen", 10, "U"), (165, 700, "¨", 10, "U")]
    assert one_page(*word, *after) == ["Veröffentlichung für Pumpen"]
    assert one_page((60, 700, "run `make` in ~/x", 10, "F2")) == ["run `make` in ~/x"]


@pytest.mark.parametrize(
    "title",
    [
        *("(anonymous)", "untitled", "Untitled-3", "(unspecified)", "Microsoft Word - x.doc"),
        *("report_final.indd", "Document1", "PowerPoint Presentation", "Slide 1", "Print"),
        *("https://a.example/b", "C:\\\\\\\\ann\\\\\\\\plan", "1", "2024-05.pdf", "No title"),
    ],
)
def test_titles_that_programs_invent_are_no_titles(title: str) -> None:
    drawn = [(60, 780, "The guide to pumps", 24), *placed(LEFT, 60)]
    assert load_pdf(pdf_file([Page(drawn)], title=title)).title == "The guide to pumps"


@pytest.mark.parametrize("title", ["Kettles vol. 2", "Main Street plan", "Annual report 2024"])
def test_titles_that_people_write_are_titles(title: str) -> None:
    assert load_pdf(pdf_file([Page(placed(LEFT, 60))], title=title)).title == title


def test_pages_without_text_and_without_readable_fonts_are_counted() -> None:
    pages = [Page(placed(LEFT, 60)), Page(), Page(), Page([(60, 700, "Nothing here", 11, "U")])]
    source = load_pdf(pdf_file(pages, mapped=False))
    assert set(source.notes) == {
        FidelityNote("pages_without_text", 2, 4),
        FidelityNote("unreadable_pages", 1, 4),
    }
    partly: list[Drawn] = [(60, 700, "\ue001\ue002\ue003\ue004\ue005", 11, "U"), (60, 400, "Seen")]
    source = load_pdf(pdf_file([Page(partly)]))
    assert (source.text, source.notes) == ("Seen", (FidelityNote("unreadable_pages", 1, 1),))
    private = Page([(60, 700, "\ue001\ue002\ue003\ue004 \ue005\ue006", 11, "U")])
    with pytest.raises(IngestError, match="do not say which characters"):
        load_pdf(pdf_file([private]))


def test_a_page_that_is_turned_is_read_as_it_is_shown() -> None:
    up = [(100 + 14 * at, 60, line) for at, line in enumerate(LEFT)]
    down = [(400 - 14 * at, 700, line) for at, line in enumerate(LEFT)]
    over = [(400, 60 + 14 * at, line) for at, line in enumerate(LEFT)]
    for drawn, matrix in ((up, "0 1 -1 0"), (down, "0 -1 1 0"), (over, "-1 0 0 -1")):
        page = Page(drawn, extra="/Rotate 90", matrix=matrix)
        assert texts(load_pdf(pdf_file([page]))) == [" ".join(LEFT)]


def test_code_between_text_keeps_its_lines() -> None:
    code = [(60, 680, "for x in range(3):", 10, "F2"), (60, 668, "    print(x)", 10, "F2")]
    drawn = [*placed(LEFT, 60, 780), *code, *placed(RIGHT, 60, 640)]
    assert one_page(*drawn)[1] == "for x in range(3):\n    print(x)"


def test_footers_of_several_lines_are_kept_once_with_roman_numbers_too() -> None:
    pages = [
        Page(
            [(60, 700, f"About {what}."), (60, 50, "North Mill, Lund"), (60, 38, f"Tel. 46 · {n}")]
        )
        for n, what in enumerate(("cups", "lids", "steam", "tea"), start=1)
    ]
    source = load_pdf(pdf_file(pages))
    assert source.text.count("Tel.") == source.text.count("North Mill") == 1
    numbered = [
        Page([(60, 700, f"About {what}."), (290, 30, number)])
        for what, number in zip(
            ("cups", "lids", "steam", "tea"), ["i", "ii", "iii", "iv"], strict=True
        )
    ]
    assert len(texts(load_pdf(pdf_file(numbered)))) == 4


def test_rows_from_right_to_left_begin_with_their_label() -> None:
    label = (400, 700, "מחיר:"[::-1], 11, "U")
    assert one_page(label, (300, 700, "450")) == ["מחיר: 450"]


def test_text_that_is_drawn_later_is_a_paragraph_of_its_own() -> None:
    assert one_page((60, 600, "Total 450"), (60, 700, "Invoice")) == ["Total 450", "Invoice"]
