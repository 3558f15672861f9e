"""Headers are detected; every cell keeps its column, every row its words."""

import pytest

from app.ingest.loaders.separated_values import load_csv


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        pytest.param(
            "Country,2021,2022,2023\nNorway,1.5,,3.5\nSweden,4,5,6",
            [
                "Country: Norway; 2021: 1.5; 2023: 3.5",
                "Country: Sweden; 2021: 4; 2022: 5; 2023: 6",
            ],
            id="years as names",
        ),
        pytest.param(
            ",2021,2022\nNorway,1.5,2\nSweden,4,5",
            ["Norway; 2021: 1.5; 2022: 2", "Sweden; 2021: 4; 2022: 5"],
            id="an empty corner",
        ),
        pytest.param(
            "Item,Cost\nPump,12\n\nCity,Mayor\nLund,Ek",
            ["Item: Pump; Cost: 12", "City | Mayor", "City: Lund; Mayor: Ek"],
            id="two tables",
        ),
        pytest.param(
            "Item,Cost\nPump,12\n\nHose,7\nTap,3",
            ["Item: Pump; Cost: 12", "Item: Hose; Cost: 7", "Item: Tap; Cost: 3"],
            id="an empty row within a table",
        ),
        pytest.param(
            "Item,Cost,,City,Mayor\nPump,12,,Lund,Ek\nHose,7,,Rome,Rossi",
            [
                "Item: Pump; Cost: 12",
                "Item: Hose; Cost: 7",
                "City | Mayor",
                "City: Lund; Mayor: Ek",
                "City: Rome; Mayor: Rossi",
            ],
            id="tables beside each other",
        ),
        pytest.param(
            "Ann,12,3.5\nBen,13,4.5", ["Ann | 12 | 3.5", "Ben | 13 | 4.5"], id="no header"
        ),
        pytest.param("Ann,,3.5\nBen,13,4.5", ["Ann |  | 3.5", "Ben | 13 | 4.5"], id="empty cells"),
        pytest.param(
            "2024-05-01,12.5,ok\n2024-05-02,13,ok",
            ["2024-05-01 | 12.5 | ok", "2024-05-02 | 13 | ok"],
            id="dates and figures without a header",
        ),
        pytest.param(
            "Invoice number,A-17\nCustomer,North Mill\nTotal due,450\nPay by,2024-05-01",
            [
                "Invoice number: A-17",
                "Customer: North Mill",
                "Total due: 450",
                "Pay by: 2024-05-01",
            ],
            id="labels with values",
        ),
        pytest.param(
            "Name:,Ann Berg\nStreet:,Mill Lane 3\nCity:,Lund",
            ["Name: Ann Berg", "Street: Mill Lane 3", "City: Lund"],
            id="labels with colons",
        ),
        pytest.param(
            "Project,Harbour wall,,Sponsor,Ministry of Ports\nLeader,Ysolde Brandt,,Budget,2400000",
            [
                "Project: Harbour wall",
                "Leader: Ysolde Brandt",
                "Sponsor: Ministry of Ports",
                "Budget: 2400000",
            ],
            id="labels with values beside each other",
        ),
        pytest.param(
            "Question,Answer\nHow hot is it?,Ninety degrees.\nHow long?,Three minutes.",
            [
                "Question | Answer",
                "Question: How hot is it?; Answer: Ninety degrees.",
                "Question: How long?; Answer: Three minutes.",
            ],
            id="texts only",
        ),
        pytest.param(
            "Name,,Price\nKettle,blue,3\nCup,red,1",
            ["Name: Kettle; blue; Price: 3", "Name: Cup; red; Price: 1"],
            id="a column without a name",
        ),
        pytest.param(
            "Name,Phone,City\nAnn,,Lund\nBen,,Rome",
            ["Name | Phone | City", "Name: Ann; City: Lund", "Name: Ben; City: Rome", "Phone:"],
            id="a column without values",
        ),
        pytest.param(
            ",2023,,2024,\nCity,Q1,Q2,Q1,Q2\nLund,1,2,3,4\nRome,5,6,7,8",
            [
                "City: Lund; 2023 Q1: 1; 2023 Q2: 2; 2024 Q1: 3; 2024 Q2: 4",
                "City: Rome; 2023 Q1: 5; 2023 Q2: 6; 2024 Q1: 7; 2024 Q2: 8",
            ],
            id="a header of two rows",
        ),
        pytest.param(
            "Stock of May\nprepared by Ann\nItem,Count\nKettle,3\nCup,7",
            ["Stock of May", "prepared by Ann", "Item: Kettle; Count: 3", "Item: Cup; Count: 7"],
            id="titles",
        ),
        pytest.param(
            "Item,Price,Unit\nFruit,,\nApple,3,kg\nDairy,,\nMilk,1,l",
            ["Fruit", "Item: Apple; Price: 3; Unit: kg", "Dairy", "Item: Milk; Price: 1; Unit: l"],
            id="groups of rows",
        ),
        pytest.param(
            '"Name", "Note"\n"Ann", "likes ""tea"", black"\n"Ben", "x"',
            ["Name | Note", 'Name: Ann; Note: likes "tea", black', "Name: Ben; Note: x"],
            id="blanks before quotes",
        ),
        pytest.param(
            "Land;Wert\nNorwegen;1,5\nSchweden;2,5",
            ["Land: Norwegen; Wert: 1,5", "Land: Schweden; Wert: 2,5"],
            id="decimal commas",
        ),
        pytest.param("sep=;\nA;B\n1;2", ["A: 1; B: 2"], id="a declared separator"),
        pytest.param("a,b,c", ["a | b | c"], id="a header alone"),
    ],
)
def test_rows_stand_under_what_names_them(table: str, lines: list[str]) -> None:
    source = load_csv(table.encode())
    assert [source.text[block.start : block.end] for block in source.blocks] == lines
