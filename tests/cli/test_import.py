"""`import`: good rows in, bad rows in the rejects file, nothing lost between them."""

import csv
import io
import json
import os

import pytest


def rejects(scratch, name="people.csv.rejects.csv"):
    with open(scratch.path / name, newline="", encoding="utf-8", errors="surrogateescape") as f:
        return list(csv.DictReader(f))


def test_json_summary_has_the_contracts_keys(scratch):
    scratch.write("people.csv", "email,name\na@example.org,A\nb@example.org,B\n")
    summary = scratch.json("import", "people", "people.csv")
    assert set(summary) >= {"list", "rows", "imported", "updated", "duplicates", "rejected",
                            "rejects_file", "elapsed_s"}
    assert summary["list"] == "people"
    assert (summary["rows"], summary["imported"], summary["rejected"]) == (2, 2, 0)
    assert summary["rejects_file"] is None
    assert not (scratch.path / "people.csv.rejects.csv").exists()


def test_rejects_file_has_original_columns_line_and_reason(scratch):
    scratch.write("people.csv", 'email,name\n'            # 1
                  'good@example.org,Good\n'               # 2
                  'no at sign,"Bad, one"\n'               # 3
                  '"two@example.org","a\nb"\n'            # 4, 5
                  ',Empty\n'                              # 6
                  'x@example.org\n'                       # 7: too few
                  'y@example.org,a,b\n'                   # 8: too many
                  'last@example.org,Last\n')              # 9
    summary = scratch.json("import", "people", "people.csv")
    assert (summary["imported"], summary["rejected"]) == (3, 4)
    assert summary["rejects_file"] == "people.csv.rejects.csv"
    rows = rejects(scratch)
    assert [int(row["line"]) for row in rows] == [3, 6, 7, 8]
    assert rows[0]["email"] == "no at sign" and rows[0]["name"] == "Bad, one"
    assert all(row["reason"] for row in rows)


def test_corrected_rejects_file_imports_again(scratch):
    scratch.write("people.csv", "email,name\nbroken,Ada\nb@example.org,Bob\n")
    scratch.json("import", "people", "people.csv")
    text = (scratch.path / "people.csv.rejects.csv").read_text()
    scratch.write("again.csv", text.replace("broken", "ada@example.org"))
    summary = scratch.json("import", "people", "again.csv")
    assert (summary["imported"], summary["rejected"]) == (1, 0)
    exported = scratch.run("lists", "export", "people", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert list(rows[0]) == ["email", "name"]
    assert {row["email"]: row["name"] for row in rows} == {
        "ada@example.org": "Ada", "b@example.org": "Bob"}


def test_unterminated_quote_is_65_with_its_line_and_stores_nothing(scratch):
    scratch.write("people.csv", 'email,name\na@example.org,A\nb@example.org,"B\nc@example.org,C\n')
    done = scratch.run("import", "people", "people.csv", code=65)
    assert "people.csv:3" in done.stderr
    scratch.run("lists", "show", "people", code=66)


def test_strict_stores_nothing_if_any_row_is_bad(scratch):
    scratch.write("people.csv", "email\na@example.org\nbad\n")
    scratch.run("import", "people", "people.csv", "--strict", code=65)
    scratch.run("lists", "show", "people", code=66)


def test_dry_run_stores_nothing(scratch):
    scratch.write("people.csv", "email\na@example.org\n")
    assert scratch.json("import", "people", "people.csv", "--dry-run")["imported"] == 1
    scratch.run("lists", "show", "people", code=66)


def test_dump_prints_each_record(scratch):
    scratch.write("people.csv", 'email,name\na@example.org,"A, ""x"""\nb@example.org,\n')
    out = scratch.run("import", "people", "people.csv", "--dry-run", "--dump").stdout
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["email"] for record in records] == ["a@example.org", "b@example.org"]
    assert records[0]["name"] == 'A, "x"'


@pytest.mark.parametrize("header", ["email", "Email", "E-MAIL", "e-mail", "mail", "ADDRESS"])
def test_email_column_is_found_in_any_case(scratch, header):
    scratch.write("people.csv", f"id,{header}\n1,a@example.org\n")
    assert scratch.json("import", "people", "people.csv")["imported"] == 1


def test_email_column_by_name(scratch):
    scratch.write("people.csv", "email,work\nnot this,a@example.org\n")
    summary = scratch.json("import", "people", "people.csv", "--email-column", "work")
    assert summary["imported"] == 1


def test_no_email_column_is_65(scratch):
    scratch.write("people.csv", "id,name\n1,a\n")
    scratch.run("import", "people", "people.csv", code=65)


def test_the_column_with_the_addresses_decides_about_the_delimiter(scratch):
    scratch.write("l.csv", 'email;Name, First\na@example.org;"Smith, J"\n')
    assert scratch.json("import", "l", "l.csv")["imported"] == 1
    assert "Smith, J" in scratch.run("lists", "export", "l").stdout


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_dialects_are_detected(scratch, delimiter, newline, bom):
    rows = [["email", "name"], ["a@example.org", "A"], ["b@example.org", "B"]]
    text = newline.join(delimiter.join(row) for row in rows) + newline
    scratch.write("people.csv", bom + text.encode())
    assert scratch.json("import", "people", "people.csv")["imported"] == 2


def test_last_line_needs_no_end(scratch):
    scratch.write("people.csv", "email\na@example.org\nb@example.org")
    assert scratch.json("import", "people", "people.csv")["imported"] == 2


@pytest.mark.parametrize("encoding", ["iso-8859-1", "windows-1252", "utf-16"])
def test_encodings(scratch, encoding):
    scratch.write("people.csv", "email,name\na@example.org,Jürgen\n".encode(encoding))
    scratch.json("import", "people", "people.csv", "--encoding", encoding.upper())
    assert "Jürgen" in scratch.run("lists", "export", "people").stdout


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", ["utf-16", "UTF-16{order}"])
def test_utf16_in_either_order_with_and_without_its_mark(scratch, order, mark, name):
    rows = "".join(f"r{i}@example.org,ü{i}\n" for i in range(20_000))
    text = f"{mark}email,name\na@example.org,half \ud800 a pair\n{rows}"
    scratch.write("people.csv", text.encode(f"utf-16-{order}", "surrogatepass"))
    summary = scratch.json("import", "people", "people.csv", "--encoding",
                           name.format(order=order))
    # What cannot be read costs its own row, not the ones behind it.
    assert (summary["imported"], summary["rejected"]) == (20_000, 1)
    assert rejects(scratch)[0]["line"] == "2"


@pytest.mark.parametrize("shift", [0, 1])
def test_a_character_across_the_edge_of_the_buffer(scratch, shift):
    """One of the two shifts puts a character of two octets on every edge."""
    text = "email,name\na@example.org," + "x" * shift + "ü" * 500_000 + "\nb@example.org,B\n"
    scratch.write("people.csv", text.encode("iso-8859-1"))
    summary = scratch.json("import", "people", "people.csv", "--encoding", "ISO-8859-1",
                           timeout=30)
    assert (summary["imported"], summary["rejected"]) == (2, 0)


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16BE", "UTF-32", "SHIFT_JIS", "UTF-7"])
def test_the_wrong_encoding_ends(scratch, encoding):
    text = "email,name\n" + "".join(f"r{i}@example.org,Jürgen {i}\n" for i in range(30_000))
    scratch.write("people.csv", text.encode() * 2)
    done = scratch.run("import", "people", "people.csv", "--encoding", encoding, code=None,
                       timeout=30)
    assert done.returncode in (0, 65)


def test_a_wide_encoding_that_was_not_named_is_65_and_names_it(scratch):
    for name in ("utf-16", "utf-16-le", "utf-32"):
        scratch.write("people.csv", "email\na@example.org\n".encode(name))
        done = scratch.run("import", "people", "people.csv", code=65)
        assert f"--encoding {name[:6].upper()}" in done.stderr


def test_invalid_utf8_rejects_the_row_alone(scratch):
    scratch.write("people.csv", b"email,name\na@example.org,J\xfcrgen\nb@example.org,B\n")
    summary = scratch.json("import", "people", "people.csv")
    assert (summary["imported"], summary["rejected"]) == (1, 1)
    assert rejects(scratch)[0]["line"] == "2"


def test_standard_input(scratch):
    done = scratch.run("import", "people", "-", "--format", "json",
                       stdin="email\na@example.org\nbad\n")
    summary = json.loads(done.stdout)
    assert (summary["imported"], summary["rejected"]) == (1, 1)


def test_fifo(scratch):
    fifo = scratch.path / "fifo.csv"
    os.mkfifo(fifo)
    process = scratch.start("import", "people", "fifo.csv", "--format", "json")
    with open(fifo, "w") as f:
        f.write("email\na@example.org\n")
    out, _ = scratch.finish(process)
    assert json.loads(out)["imported"] == 1


def test_duplicates_update_or_are_skipped(scratch):
    scratch.write("people.csv", "email,name\na@example.org,One\nA@EXAMPLE.org,Two\n"
                  "a@Example.ORG,Three\nb@example.org,B\n")
    summary = scratch.json("import", "people", "people.csv")
    assert summary["rows"] == 4
    assert summary["rejected"] == 0
    scratch.write("more.csv", "email,name\nb@example.org,Bee\nc@example.org,C\n")
    summary = scratch.json("import", "people", "more.csv")
    assert (summary["imported"], summary["updated"]) == (1, 1)
    assert "Bee" in scratch.run("lists", "export", "people").stdout
    scratch.write("more.csv", "email,name\nb@example.org,Boo\n")
    summary = scratch.json("import", "people", "more.csv", "--on-duplicate", "skip")
    assert (summary["imported"], summary["updated"]) == (0, 0)
    assert "Bee" in scratch.run("lists", "export", "people").stdout


def test_empty_file_is_65(scratch):
    scratch.write("people.csv", "")
    scratch.run("import", "people", "people.csv", code=65)


def test_header_alone_is_fine(scratch):
    scratch.write("people.csv", "email,name\n")
    assert scratch.json("import", "people", "people.csv")["rows"] == 0


@pytest.mark.parametrize("header", ["email,name,name", "email,,name", "email,Email"])
def test_ambiguous_header_is_65(scratch, header):
    scratch.write("people.csv", f"{header}\na@example.org,x,y\n")
    done = scratch.run("import", "people", "people.csv", code=None)
    if header != "email,Email":
        assert done.returncode == 65
        assert "people.csv:1" in done.stderr
