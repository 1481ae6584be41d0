"""CSV and its relatives, as they really come: every row is in the table or among the rejects."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.transform.table.encodings import tell_encoding
from tests.unit.tables import converted
from workflow.errors import CorruptTable, RejectedError, TooManyBadRows, TooManyColumns

GERMAN = "Größe;Straße\nä;ö\nü;ß\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "~", "^", "\x1f", ":"])
def test_any_delimiter(tmp_path, delimiter):
    table = converted(tmp_path, "a,b,c\n1,x y,2.5\n2,z,3.5\n".replace(",", delimiter))
    assert table.rows() == [("1", "x y", "2.5"), ("2", "z", "3.5")]
    assert table.facts["delimiter"] == delimiter


def test_columns_apart_by_blanks(tmp_path):
    table = converted(tmp_path, "name    size   n\nalpha   1      20\nbeta    300    4\n")
    assert table.rows() == [("alpha", "1", "20"), ("beta", "300", "4")]


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
    told = tell_encoding(path)
    assert told
    assert (path.read_bytes().decode(told.encoding), told.is_sure) == (LETTERS[encoding], True)


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
