"""render and template convert, from outside."""

import json
import subprocess

import pytest


def write(scratch, name, text):
    path = scratch.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def render(scratch, template, data, *options, **kwargs):
    return scratch.run("render", write(scratch, "t.liquid", template),
                       write(scratch, "d.json", json.dumps(data)), *options, **kwargs)


def test_prints_the_template_with_the_data(scratch):
    assert render(scratch, "Hi {{ name }}!\n", {"name": "A & B"}).stdout == "Hi A & B!\n"


def test_escapes_when_asked(scratch):
    done = render(scratch, "<b>{{ name }}</b>", {"name": "A & B"}, "--escape", "html")
    assert done.stdout == "<b>A &amp; B</b>"


def test_the_clock_can_be_set(scratch):
    done = render(scratch, "{{ 'now' | date: '%F %T' }}", {}, "--now", "1704067318")
    assert done.stdout == "2024-01-01 00:01:58"


def test_partials_come_from_their_folder_and_no_other(scratch):
    write(scratch, "p/a.liquid", "[{{ x }}]")
    write(scratch, "p/sub/b", "b")
    write(scratch, "secret", "secret")
    (scratch.path / "p/link").symlink_to(scratch.path / "secret")
    folder = str(scratch.path / "p")
    done = render(scratch, "{% render 'a', x: 1 %}{% include 'sub/b' %}", {},
                  "--partials", folder)
    assert done.stdout == "[1]b"
    for name in ("../secret", "link", "/etc/hostname", "p/../../secret"):
        done = render(scratch, f"{{% include '{name}' %}}", {}, "--partials", folder,
                      code=65)
        assert "Could not find partial" in done.stderr


def test_a_wrong_template_is_refused_with_its_place(scratch):
    done = render(scratch, "a\n{{ b | }}", {}, code=65)
    assert "t.liquid:2:8:" in done.stderr and done.stdout == ""


def test_lax_reads_on(scratch):
    assert render(scratch, "{{ a || upcase }}", {"a": "x"}, "--mode", "lax").stdout == "X"


@pytest.mark.parametrize("data", ["[1]", "{", ""])
def test_data_must_be_an_object(scratch, data):
    done = scratch.run("render", write(scratch, "t", "x"), write(scratch, "d", data),
                       code=65)
    assert done.stdout == ""


def test_a_batch_answers_every_line(scratch):
    lines = [
        {"id": 1, "template": "{{ a }}", "data": {"a": "x\n"}},
        {"id": "two", "template": "{{ a", "data": {}},
        "not json",
        {"id": 4, "template": "{% render 'p' %}", "static": {"s": "S"},
         "partials": {"p.liquid": "{{ s }}"}},
        {"id": 5, "template": "{{ 1 | divided_by: 0 }}", "mode": "lax"},
        {"id": 6, "template": "{{ 'now' | date: '%s' }}", "now": 7},
        {"id": 7},
    ]
    text = "\n".join(line if isinstance(line, str) else json.dumps(line)
                     for line in lines) + "\n\n"
    done = scratch.run("render", "--batch", write(scratch, "b.jsonl", text))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 7
    assert answers[0] == {"id": 1, "output": "x\n"}
    assert answers[1]["id"] == "two" and "terminated" in answers[1]["error"]
    assert answers[2]["id"] is None and "error" in answers[2]
    assert answers[3] == {"id": 4, "output": "S"}
    assert answers[4]["output"] == "Liquid error (line 1): divided by 0"
    assert answers[5] == {"id": 6, "output": "7"}
    assert answers[6]["id"] == 7 and "error" in answers[6]


def test_a_case_may_have_thousands_of_partials(scratch):
    """Each found at once; a loop over one needs the memory of one."""
    partials = {f"p{i}.liquid": f"{i};" for i in range(5000)}
    partials |= {"p7": "no", "plain": "{{ x }}", "q.liquid": "no", "q": "no"}
    template = "".join(f"{{% render 'p{i}' %}}" for i in range(5000))
    loop = ("{% for i in (1..5000) %}{% render 'plain', x: i %}{% endfor %}" +
            "".join(f"{{% assign v{i} = 1 %}}" for i in range(900)))
    lines = [{"id": 1, "template": template, "partials": partials},
             {"id": 2, "template": "{% assign n = 'p4999' %}{% include n %}",
              "partials": partials},
             {"id": 3, "template": loop, "partials": partials},
             {"id": 4, "template": "{% render 'nope' %}", "partials": partials}]
    done = scratch.run("render", "--batch", write(scratch, "b.jsonl",
                       "\n".join(json.dumps(line) for line in lines)))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0]["output"] == "".join(f"{i};" for i in range(5000))
    assert answers[1]["output"] == "4999;"
    assert answers[2]["output"] == "".join(str(i) for i in range(1, 5001))
    assert "Could not find partial 'nope'" in answers[3]["error"]


def test_arguments_are_checked(scratch):
    assert "TEMPLATE and DATA.json" in scratch.run("render", "a", code=64).stderr
    write(scratch, "b", "")
    scratch.run("render", "--batch", str(scratch.path / "b"), "x", code=64)


def test_convert_prints_liquid_and_lists_the_rest(scratch):
    path = write(scratch, "m.html", "Hi *|FNAME|*\n *|POLL:x|*")
    done = scratch.run("template", "convert", path, code=3)
    assert done.stdout == \
        "Hi {{ first_name }}\n {% comment %}*|POLL:x|*{% endcomment %}"
    assert f"{path}:2:2: not converted: *|POLL:x|*" in done.stderr
    path = write(scratch, "s.html", "{{#each a}}{{b}}{{/each}}")
    assert scratch.run("template", "convert", path).stdout == \
        "{% for item in a %}{{ item.b }}{% endfor %}"
    path = write(scratch, "n.html", "plain")
    assert "--from" in scratch.run("template", "convert", path, code=65).stderr


def test_a_batch_from_standard_input_is_answered_case_by_case(scratch):
    process = scratch.start("render", "--batch", "-", stdin=subprocess.PIPE)
    for number in (1, 2):
        case = {"id": number, "template": "{{ x }}!", "data": {"x": number}}
        process.stdin.write(json.dumps(case) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"id": number, "output": f"{number}!"}
    out, err = process.communicate("\nnonsense", timeout=20)
    assert "error" in json.loads(out) and err == "" and process.returncode == 0
