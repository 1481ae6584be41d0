"""CSV and its relatives, as they really come: every row is in the table or among the rejects."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.sniffing.sniff import sniff
from tasks.transform.encodings import tell_encoding
from tests.unit.tables import converted
from workflow.errors import CorruptTable, RejectedError, TooManyBadRows, TooManyColumns

GERMAN = "Größe;Straße\nä;ö\nü;ß\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "~", "^", "\x1f", ":"])
def test_any_delimiter(tmp_path, delimiter):
    table = converted(tmp_path, "a,b,c\n1,x y,2.5\n2,z,3.5\n".replace(",", delimiter))
    assert table.rows() == [("1", "x y", "2.5"), ("2", "z", "3.5")]
    assert table.facts["delimiter"] == delimiter


@pytest.mark.parametrize("letter", ["|", "~", "^"])
def test_text_that_is_a_delimiter_of_another_kind_divides_nothing(tmp_path, letter):
    table = converted(
        tmp_path, f"Report of May\nid,amount,text\n100,1.17,{letter}\n0,10.74,{letter}\n0,0.00,{letter}\n"
    )
    assert table.rows() == [("100", "1.17", letter), ("0", "10.74", letter), ("0", "0.0", letter)]


@pytest.mark.parametrize(
    "content",
    [
        "name       size   n\nalpha one  1      20\nbeta       300    4\n",
        " name      | size | n \n-----------+------+---\n alpha one |    1 | 20\n beta      |  300 | 4\n(2 rows)\n\n",
        "+---+\n| name | size | n |\n+---+\n| alpha one | 1 | 20 |\n| beta | 300 | 4 |\n+---+\n2 rows in set\n",
        "| name | size | n |\n|---|---|---|\n| alpha one | 1 | 20 |\n| beta | 300 | 4 |\n",
        "name       size n\n---------- ---- --\nalpha one     1 20\nbeta        300  4\n\n(2 rows affected)\n",
    ],
)
def test_columns_that_programs_print_for_people(tmp_path, content):
    assert sniff(content.encode(), b"", len(content), name="out.txt").media_type == "text/csv"
    table = converted(tmp_path, content)
    assert table.types() == {"name": "VARCHAR", "size": "BIGINT", "n": "BIGINT"}
    assert table.rows() == [("alpha one", "1", "20"), ("beta", "300", "4")]


@pytest.mark.parametrize(
    "content",
    [
        "Dear Ada,\n\nthank you  for\nall of this.  Bob\n and  so\n",
        "NAME   READY\na      1\nlongername 3\nb      2\nc      4\n",
        "a  b\n1  2\n",
        "one two\n1   2\n3   4\n",
    ],
)
def test_blanks_that_do_not_prove_columns_are_none(content):
    assert sniff(content.encode(), b"", len(content), name="out.txt").media_type == "text/plain"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GERMAN.encode(), "utf-8"),
        (GERMAN.encode("utf-8-sig"), "utf-8-sig"),
        (GERMAN.encode("utf-16"), "utf-16"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "utf-16"),
        (GERMAN.encode("utf-16-le"), "utf-16-le"),
        (GERMAN.encode("utf-16-be"), "utf-16-be"),
        (GERMAN.encode("utf-32"), "utf-32"),
        (GERMAN.encode("latin-1"), "cp1252"),
    ],
)
def test_letters_are_right_in_every_encoding(tmp_path, content, encoding):
    table = converted(tmp_path, content)
    assert list(table.types()) == ["Größe", "Straße"]
    assert table.rows() == [("ä", "ö"), ("ü", "ß")]
    assert table.facts["encoding"] == encoding


def test_quotes_and_euros_of_windows(tmp_path):
    table = converted(tmp_path, "text,n\n“quoted” – 5 €,1\nplain,2\n".encode("cp1252"))
    assert table.rows()[0] == ("“quoted” – 5 €", "1")


LETTERS = {
    "cp1250": "miasto;opis\nŁódź;piękna jesień\nGdańsk;środkowy wrzesień\nPoznań;życzliwość\nKraków;źródło\n",
    "iso8859-2": "město;popis\nPlzeň;příliš žluťoučký\nDěčín;úpěl ďábelské\nŽďár;kůň jeřáb\n",
    "cp1254": "şehir;açıklama\nİstanbul;güneşli gün\nIğdır;soğuk kış\nMuğla;ılık yağış\nÇanakkale;değişik\n",
    "cp1257": "miestas;pastaba\nŠiauliai;žiemą\nPanevėžys;rugsėjį\nMažeikiai;šiųmetė\nKėdainiai;žalią\n",
    "cp1253": "όνομα;πόλη\nΓιώργος;Αθήνα\nΜαρία;Θεσσαλονίκη\n",
    "cp1251": "имя;город\nИван;Москва\nОльга;Новосибирск\n",
    "koi8-r": "имя;город\nИван;Москва\nОльга;Новосибирск\n",
    "cp866": "имя;город\nИван;Москва\nОльга;Новосибирск\n",
    "cp850": "città;qualità\nForlì;perché così\nCefalù;più età\nCantù;metà virtù\n",
    "mac-roman": "ville;état\nSète;complété\nOrléans;à préparer\nNîmes;très bientôt\nBesançon;réglé\n",
    "cp1252": "kaupunki;määrä\nJyväskylä;yhdessä päässä\nÄänekoski;väärää\nHämeenlinna;käännöstyö\n",
    "cp932": "氏名;都市\n田中さん;東京\n鈴木さん;大阪\nサトウ;ホッカイドウ\n",
    "gb18030": "姓名;城市\n王小明;北京\n李雷;上海\n韩梅梅;广州\n这是中国的公司;我们的产品\n",
    "cp949": "이름;도시\n김철수;서울\n이영희;부산\n박민수;대한민국의 수도\n",
    "iso8859-4": "linn;märkus\nPärnu;šokolaad ja õun\nVõru;žanr\nJõgeva;öö ja päev\n",
    "iso8859-6": "اسم;مدينة\nمحمد;القاهرة\nفاطمة;بغداد\nسارة;كتاب السلام\n",
    "cp861": "staður;lýsing\nÍsafjörður;höfn\nÞingvellir;blóm\nÆðey;sýsla\nÞór;fjörður\n",
    "mac-turkish": "şehir;açıklama\nİstanbul;güneşli gün\nIğdır;soğuk kış\nMuğla;ılık yağış\nÇanakkale;değişik\n",
    "ptcp154": "аты;қала\nӘлия;Алматы\nҒалым;Өскемен\nҰлан;Қызылорда\nҮміт;Іле\n",
    "johab": "이름;도시\n김철수;서울\n이영희;부산\n박민수;대한민국의 수도\n",
}


@pytest.mark.parametrize("encoding", LETTERS)
def test_letters_of_national_encodings_are_right_or_refused_with_both(tmp_path, encoding):
    """Never other letters: what cannot be told for sure is refused, and both encodings are named."""
    header, *rows = LETTERS[encoding].splitlines()
    try:
        table = converted(tmp_path, LETTERS[encoding].encode(encoding))
    except CorruptTable as exc:
        assert "It could be" in str(exc) and "UTF-8" in str(exc)  # noqa: PT017, PT018 - the other outcome is below
        return
    assert list(table.types()) == header.split(";")
    assert table.rows() == [tuple(row.split(";")) for row in rows]
    assert any(note.startswith("read as ") and "sure" in note for note in table.facts["notes"])


@pytest.mark.parametrize("encoding", ["cp1250", "cp1251", "cp1252", "cp1253", "koi8-r", "cp932", "cp949"])
def test_enough_letters_make_an_encoding_sure(encoding, tmp_path):
    path = tmp_path / "text"
    path.write_bytes(LETTERS[encoding].encode(encoding))
    with path.open("rb") as file:
        told = tell_encoding(file)
    assert told
    assert (path.read_bytes().decode(told.encoding), told.is_sure) == (LETTERS[encoding], True)


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("gb18030", "㐀㐁 北京 上海 数据 姓名"), ("iso2022_jp", "東京 ソフト 表示"), ("iso2022_kr", "서울 부산 데이터")],
)
def test_letters_of_which_some_bytes_are_ascii_are_right(tmp_path, encoding, words):
    rows = [(str(number), word) for number, word in enumerate(words.split())]
    lines = ["id;word", *map(";".join, rows), ""]
    table = converted(tmp_path, "\n".join(lines).encode(encoding))
    assert table.rows() == rows
    assert any(note.startswith("read as ") for note in table.facts["notes"])


def test_a_sign_that_nobody_writes_tells_of_another_encoding(tmp_path):
    with pytest.raises(CorruptTable, match="It could be"):
        converted(tmp_path, "id,price\n1,5 €\n2,6 €\n".encode("iso8859-15"))


def test_two_letters_tell_no_encoding(tmp_path):
    with pytest.raises(CorruptTable, match=r"Big5 .* or "):
        converted(tmp_path, "id,sex\n1,男\n2,女\n".encode("big5"))


def test_bytes_that_no_encoding_knows_are_refused(tmp_path):
    with pytest.raises(CorruptTable, match="UTF-8"):
        converted(
            tmp_path,
            b"a,b\n" + "".join(f"x{at},é\n" for at in range(50)).encode("latin-1") + b"\xff\x81\x00,\xa0\x8d\x90\n",
        )


def test_nul_bytes_are_left_out_and_people_are_told(tmp_path):
    table = converted(tmp_path, b"a,b\nx\0y,1\nz,2\n")
    assert table.rows() == [("xy", "1"), ("z", "2")]
    assert table.facts["notes"] == ["1 NUL bytes are left out"]


def test_a_damaged_byte_among_utf8_costs_its_row_only(tmp_path):
    lines = [f"{at},é\n".encode() for at in range(100)]
    table = converted(tmp_path, b"id,letter\n" + b"".join(lines) + b"100,\xff\n")
    assert table.facts["rows"] == 100
    assert [(bad["line"], bad["reason"]) for bad in table.rejects] == [(102, "not UTF-8")]


@pytest.mark.parametrize("ends", [("\n", "\n"), ("\r\n", "\r\n"), ("\r", "\r"), ("\n", "\r\n"), ("\r\n", "\n")])
def test_line_ends_mixed_or_not(tmp_path, ends):
    table = converted(tmp_path, f'a,b{ends[0]}1,"x{ends[1]}y"{ends[1]}2,z{ends[0]}')
    assert table.rows() == [("1", f"x{ends[1]}y"), ("2", "z")]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"a, b"', "a, b"),
        ('"say ""hi"""', 'say "hi"'),
        ('"two\nlines"', "two\nlines"),
        ('5" disk', '5" disk'),
        ("it's", "it's"),
        ("  kept ", "  kept "),
        ("back\\slash", "back\\slash"),
        ('""', None),
    ],
)
def test_cells_keep_what_is_in_them(tmp_path, cell, value):
    assert converted(tmp_path, f"text,n\n{cell},1\nother,2\n").rows()[0] == (value, "1")


def test_quotes_escaped_with_a_backslash(tmp_path):
    table = converted(tmp_path, 'text,n\n"say \\"hi\\", you",1\nother,2\n')
    assert table.rows()[0] == ('say "hi", you', "1")


def test_blanks_between_delimiter_and_quote(tmp_path):
    table = converted(tmp_path, '"a", "b"\n"1", "x, y"\n"2", "z"\n')
    assert (list(table.types()), table.rows()) == (["a", "b"], [("1", "x, y"), ("2", "z")])


def test_header_of_several_lines_takes_no_row_with_it(tmp_path):
    """DuckDB counts rows where it is told to skip lines."""
    table = converted(tmp_path, '"first\nname",n\nAda,1\nBob,2\nCyd,3\n')
    assert (list(table.types()), len(table.rows())) == (["first name", "n"], 3)


@pytest.mark.parametrize(
    ("titles", "note"),
    [("Report of May\n", "1 line"), ("Report;;\nof May;;\n", "2 lines"), ("Report\n\nmade by me\n\n", "2 lines")],
)
def test_titles_above_the_header(tmp_path, titles, note):
    table = converted(tmp_path, f"{titles}id;name;size\n1;a;2\n2;b;3\n3;c;4\n")
    assert (list(table.types()), len(table.rows())) == (["id", "name", "size"], 3)
    assert table.facts["notes"] == [f"{note} above the table left out"]


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ("1,x\n2,y\n", ["column_1", "column_2"], 2),
        ("id,name\n1,x\n", ["id", "name"], 1),
        ("country,2019,2020\nDE,1,2\nFR,3,4\n", ["country", "2019", "2020"], 2),
        ("name,city\nAda,Rome\nBob,Oslo\n", ["name", "city"], 2),
        ("Ada,Rome\nBob,Rome\nAda,Oslo\n", ["column_1", "column_2"], 3),
        ("a,b\n", ["a", "b"], 0),
        ("1,2\n", ["column_1", "column_2"], 1),
        ("ids\n001\n002\n", ["ids"], 2),
        ("n,a,A,,a\n1,2,3,4,5\n", ["n", "a", "A_2", "column_4", "a_3"], 1),
        ("size,weight\nfirst,1,2\nsecond,3,4\n", ["column_1", "size", "weight"], 2),
    ],
)
def test_names_of_columns(tmp_path, content, names, rows):
    table = converted(tmp_path, content)
    assert (list(table.types()), len(table.rows())) == (names, rows)


@pytest.mark.parametrize(
    ("content", "names", "first"),
    [
        ("a,b,c\n4,apple,bat,\n8,orange,cow,\n", ["a", "b", "c"], ("4", "apple", "bat")),
        ("a,b,c,\n4,apple,bat\n8,orange,cow\n", ["a", "b", "c"], ("4", "apple", "bat")),
        ("a,b,c,\n4,apple,bat,\n8,orange,cow,\n", ["a", "b", "c"], ("4", "apple", "bat")),
        ("a;b;c\n1.2.2024;x;-800,00;\n1.3.2024;y;-12,50;\n", ["a", "b", "c"], ("2024-02-01", "x", "-800.0")),
        ("price\n1,5\n2,25\n3,10\n", ["price"], ("1,5",)),
        ('Date\n"Dec 8, 2022"\n"Sep 26, 2022"\n', ["Date"], ("2022-12-08",)),
        ("name\nLovelace, Ada\nHopper, Grace\n", ["name"], ("Lovelace, Ada",)),
        ("name,city\nAda,Rome\nname,city\nBob,Oslo\n", ["name", "city"], ("Ada", "Rome")),
        ("type,city\ncar,Rome\ntype,Oslo\nvan,Bern\n", ["type", "city"], ("car", "Rome")),
        ("product,1,2,3\nA,10,11,12\nB,20,21,22\n", ["product", "1", "2", "3"], ("A", "10", "11", "12")),
        ("a,2024-01,2024-02\nx,1,2\ny,3,4\n", ["a", "2024-01", "2024-02"], ("x", "1", "2")),
        ("id,name,amount\n--,----,------\n1,a,2.5\n2,b,3.5\n", ["id", "name", "amount"], ("1", "a", "2.5")),
        ("time,temp\ns,C\n0,1.5\n1,2.5\n", ["time", "temp"], ("0", "1.5")),
        ("Name,T,A\nUnits,C,m2\nx,65,0.67\ny,66,0.68\n", ["Name", "T", "A"], ("x", "65", "0.67")),
        ("Name,score\nAda,absent\nBob,5\nCyd,6\n", ["Name", "score"], ("Ada", "absent")),
        ("2024-01-01,\n2024-01-02,\n2024-01-03,1\n", ["column_1", "column_2"], ("2024-01-01", None)),
        ("id,amount,text\n0,0.50,;\n1,0.50,;\n2,0.50,;\n", ["id", "amount", "text"], ("0", "0.5", ";")),
        ("sep=;\na;b\n1;2\n3;4\n", ["a", "b"], ("1", "2")),
        ("id|text\n1|a\\|b\n2|\\N\n3|c:\\x\n", ["id", "text"], ("1", "a|b")),
    ],
)  # fmt: skip
def test_no_name_is_shifted_and_no_row_taken_for_a_name(tmp_path, content, names, first):
    table = converted(tmp_path, content)
    assert (list(table.types()), table.rows()[0]) == (names, first)


def test_every_line_that_is_no_row_is_among_the_rejects_with_its_number(tmp_path):
    content = "Report\n\nid,name,n\n--,--,--\n1,a,2\nid,name,n\n2,b,3\nTotal,,5\n"
    table = converted(tmp_path, content)
    assert table.rows() == [("1", "a", "2"), ("2", "b", "3")]
    assert [(bad["line"], bad["text"]) for bad in table.rejects] == [
        (1, "Report"), (4, "--,--,--"), (6, "id,name,n"), (8, "Total, , 5"),
    ]  # fmt: skip
    assert table.facts["bad_rows"] == 0
    assert len(table.facts["notes"]) == 4


def test_a_last_row_that_is_no_sum_is_kept(tmp_path):
    assert len(converted(tmp_path, "name,n\nShell,1\nBP,2\nTotal,9\n").rows()) == 3


def test_rows_that_grow_wider_take_no_row_with_them(tmp_path):
    """Titles are few: 480 rows of the width of the header are none."""
    narrow, wide = [f"{at},x{at}\n" for at in range(480)], [f"{at},y{at},z{at}\n" for at in range(480, 3000)]
    with pytest.raises(TooManyBadRows, match="line 482: 3 cells instead of 2"):
        converted(tmp_path, "a,b\n" + "".join(narrow + wide))


def test_quotes_that_first_come_far_below_are_quotes(tmp_path):
    plain = [f"{at},customer number {at:06},{at}\n" for at in range(12_000)]
    table = converted(tmp_path, "id,name,n\n" + "".join(plain) + '12000,"Smith, ""John""",1\n12001,"Doe",2\n')
    assert table.rows()[-2:] == [("12000", 'Smith, "John"', "1"), ("12001", "Doe", "2")]
    assert table.facts["bad_rows"] == 0


def test_a_long_cell_beside_a_bad_row_is_good(tmp_path):
    table = converted(tmp_path, f"id,text\n1,{'x' * 200_000}\n2\n" + "3,y\n" * 50)
    assert (table.facts["rows"], table.facts["bad_rows"], len(table.column("text")[0])) == (51, 1, 200_000)


def rows_with(bad: dict[int, str], count: int = 100) -> str:
    return "id,name,size\n" + "".join(bad.get(at, f"{at},n{at},{at}") + "\n" for at in range(1, count + 1))


def test_bad_rows_are_named_and_the_others_kept(tmp_path):
    bad = {3: "3,short", 50: "50,too,many,cells", 70: '70,"quoted"wrong,1'}
    table = converted(tmp_path, rows_with(bad))
    assert (table.facts["rows"], table.facts["bad_rows"]) == (97, 3)
    assert table.types()["size"] == "BIGINT"
    assert [(row["line"], row["text"]) for row in table.rejects] == [(4, bad[3]), (51, bad[50]), (71, bad[70])]
    assert [row["reason"] for row in table.rejects][:2] == ["2 of 3 cells", "4 cells instead of 3"]


def test_quote_that_is_never_closed_takes_no_good_row_with_it(tmp_path):
    table = converted(tmp_path, rows_with({10: '10,"open,1'}))
    assert (table.facts["rows"], [row["line"] for row in table.rejects]) == (99, [11])


def test_line_numbers_count_lines_inside_quotes(tmp_path):
    table = converted(tmp_path, rows_with({5: '5,"two\nlines",5', 20: "20"}))
    assert [row["line"] for row in table.rejects] == [22]


def test_delimiters_too_many_at_the_end_of_a_row_are_no_fault(tmp_path):
    assert converted(tmp_path, rows_with({5: "5,x,5,,"})).facts["rows"] == 100


def test_too_many_bad_rows_are_not_a_table(tmp_path):
    with pytest.raises(TooManyBadRows, match=r"6 of 100 rows .* line 2:"):
        converted(tmp_path, rows_with(dict.fromkeys(range(1, 7), "short")))


def test_a_flood_of_bad_rows_ends_early(tmp_path):
    with pytest.raises(TooManyBadRows):
        converted(tmp_path, "a,b\n1,2\n3,4\n" + "1,2\n" * 2000 + "bad\n" * 500_000)


def test_few_bad_rows_in_a_small_file(tmp_path):
    assert converted(tmp_path, "a,b\n1,2\n3\n4,5\n").facts["bad_rows"] == 1


def test_header_that_most_rows_do_not_fit_is_not_thrown_away(tmp_path):
    with pytest.raises(TooManyBadRows):
        converted(tmp_path, "id,name,country,city\n1,english\n1,english\n")


def test_many_columns(tmp_path):
    header, row = ",".join(f"c{at}" for at in range(1200)), ",".join(map(str, range(1200)))
    table = converted(tmp_path, f"{header}\n{row}\n{row}\n")
    assert (table.facts["columns"], set(table.types().values())) == (1200, {"BIGINT"})
    assert len(table.profile["tables"][0]["columns"]) == 1000


def test_too_many_columns(tmp_path):
    with pytest.raises(TooManyColumns, match="2,000 columns; up to 1,500"):
        converted(tmp_path, ",".join(map(str, range(2000))) + "\n")


@pytest.mark.parametrize("above", [",,\n", ",,\n,,\n", '"",,\n', "Sales\n,,\n"])
def test_empty_rows_above_the_names_are_left_out_by_line(tmp_path, above):
    table = converted(tmp_path, f"{above}name,qty,price\nx,2,3\n")
    assert list(table.types()) == ["name", "qty", "price"]
    assert table.rows() == [("x", "2", "3")]
    empty = [entry["line"] for entry in table.rejects if "empty" in entry["reason"]]
    assert empty == [at for at, line in enumerate(above.splitlines(), 1) if line != "Sales"]


@pytest.mark.parametrize(
    ("text", "rows", "left_out"),
    [
        ('"a",\n"name"\n"x"\n', [("x",)], [1]),
        ('"\nname\nx', [("x",)], [1]),
        ("a,b,c\n1,2,3\n,\n4,5,6\n", [("1", "2", "3"), ("4", "5", "6")], [3]),
        ("\nname\rx\ny", [("x",), ("y",)], []),
        ("\n1\n2", [("1",), ("2",)], []),
    ],
)
def test_lines_that_are_no_rows_are_told_and_nothing_else_is_lost(tmp_path, text, rows, left_out):
    table = converted(tmp_path, text)
    assert table.rows() == rows
    assert [entry["line"] for entry in table.rejects] == left_out if left_out else not table.facts["bad_rows"]


def test_blank_lines_alone_are_no_table(tmp_path):
    with pytest.raises(CorruptTable, match="blank"):
        converted(tmp_path, "\n\n  \n")


def test_long_cells(tmp_path):
    table = converted(tmp_path, f"a,b\n{'x' * 3_000_000},1\ny,2\n")
    assert len(table.rows()[0][0]) == 3_000_000
    assert len(str(table.profile)) < 3000


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)
PIECES = st.lists(st.sampled_from([*",;\t|\"'\n\r \\", "a", "1", "é", "2024-01-01", "\ufeff"]), max_size=60).map(
    "".join
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(TEXTS, PIECES))
def test_any_text_is_converted_or_rejected(tmp_path_factory, text):
    with suppress(RejectedError):
        assert converted(tmp_path_factory.mktemp("any"), text).facts["columns"]


@pytest.mark.parametrize(
    ("content", "columns", "rows", "note"),
    [
        ("# by x\n# 2024, all rights\nid,name\n1,a\n2,b\n", ["id", "name"], [("1", "a"), ("2", "b")], "2 lines above"),
        ("# a\n" * 40 + "id,name\n1,a\n2,b\n", ["id", "name"], [("1", "a"), ("2", "b")], "40 lines above"),
        ("##made=x, y\n#id,name\n1,a\n2,b\n", ["#id", "name"], [("1", "a"), ("2", "b")], "1 line above"),
        ("a,b,c\n1,x,3,,\n2,y,4,,\n", ["a", "b", "c"], [("1", "x", "3"), ("2", "y", "4")], ""),
        ("a,b,note\n1,x,,,\n2,y,,,\n", ["a", "b", "note"], [("1", "x", None), ("2", "y", None)], ""),
        ("|id|name|\n|1|a|\n|2||\n", ["id", "name"], [("1", "a"), ("2", None)], ""),
        ("id,t\n1,'a,b'\n2,'it''s'\n", ["id", "t"], [("1", "a,b"), ("2", "it's")], ""),
        ("id,t\n1,'tis\n2,o'\n", ["id", "t"], [("1", "'tis"), ("2", "o'")], ""),
        ("Pos;EUR\n1;2,50\n2;1.003,50\nSumme;1.006,00\n", ["Pos", "EUR"], [("1", "2.5"), ("2", "1003.5")], "a total"),
    ],
)  # fmt: skip
def test_what_is_around_names_and_rows_is_told_from_them(tmp_path, content, columns, rows, note):
    table = converted(tmp_path, content)
    assert (list(table.types()), table.rows()) == (columns, rows)
    assert note in str(table.facts["notes"])


def test_a_value_below_delimiters_without_a_name_is_a_bad_row(tmp_path):
    rows = "".join(f"{number},x,3,,\n" for number in range(50_000))
    table = converted(tmp_path, f"a,b,c\n{rows}7,y,4,,more\n")
    assert (len(table.rows()), table.facts["bad_rows"]) == (50_000, 1)


def test_a_number_of_many_digits_is_not_said_to_have_a_comma(tmp_path):
    table = converted(tmp_path, f"id,n\n{'123456789' * 5},1\n{'987654321' * 5},2\n")
    assert table.column("id") == ["123456789" * 5, "987654321" * 5]
    assert not table.facts.get("notes")
