"""Random templates, rendered by the program and by Shopify's liquid: alike to the byte.

Needs ruby with the gem liquid (Debian: ruby-liquid) and skips without. LIQUID_SEED and
LIQUID_CASES choose what is drawn and how much of it. The grammars leave out what later
versions of the reference changed on purpose, so that 5.4 will do: names in brackets
within brackets, first and last of a string, tablerow without cols, blank.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
BINARY = os.environ.get("BROADSIDE", str(HERE.parents[1] / "build/debug/broadside"))
SEED = int(os.environ.get("LIQUID_SEED", "1"))
CASES = int(os.environ.get("LIQUID_CASES", "2000"))
NOW = 1704067318


def reference(*arguments, text=""):
    return subprocess.run(["ruby", HERE / "liquid_reference.rb", *arguments], input=text,
                          capture_output=True, text=True, check=False)


@pytest.fixture(scope="module", autouse=True)
def has_reference():
    version = reference("--version").stdout if shutil.which("ruby") else ""
    if not version.startswith("5."):
        pytest.skip("no ruby with liquid 5 (Debian: apt-get install ruby-liquid)")


def answers(text):
    return {answer["id"]: answer for answer in map(json.loads, text.splitlines())}


def differences(tmp_path, cases):
    """(case, ours, theirs) of every case whose outcomes are not the same."""
    lines = "".join(json.dumps(dict(case, id=i, now=NOW)) + "\n"
                    for i, case in enumerate(cases))
    (tmp_path / "cases.jsonl").write_text(lines)
    done = subprocess.run([BINARY, "render", "--batch", tmp_path / "cases.jsonl"],
                          capture_output=True, text=True, check=True)
    ours, theirs = answers(done.stdout), answers(reference(text=lines).stdout)
    assert len(ours) == len(theirs) == len(cases)
    return [(case, ours[i], theirs[i]) for i, case in enumerate(cases)
            if ours[i].get("output") != theirs[i].get("output")]


def assert_alike(tmp_path, cases):
    found = differences(tmp_path, cases)
    for case, ours, theirs in found[:5]:
        print(json.dumps(case), "\n  ours ", ours, "\n  theirs", theirs)
    assert not found, f"{len(found)} of {len(cases)} differ"


# ---- templates ------------------------------------------------------------------------

DATA = {
    "word": "Hello World", "none": "", "padded": "  a b  ", "five": 5, "zero": 0, "minus": -7,
    "pi": 3.14159, "two": 2.0, "big": 12345678901234567890, "yes": True, "no": False,
    "nothing": None, "numbers": [3, 1, 2], "words": ["b", "A", "c", "a"], "empty_list": [],
    "empty_object": {}, "object": {"a": 1, "b": "two", "c": [1, 2, 3], "d": {"e": "deep"}},
    "products": [{"t": "Shoe", "price": 10, "ok": True}, {"t": "Hat", "price": 5.5, "ok": False},
                 {"t": "bag", "price": None}, {"price": 7, "ok": True, "t": "Hat"}],
    "html": "<p class=\"x\">a & b</p><script>y</script>", "lines": "a\nb\r\nc", "digits": "12",
    "unicode": "h\u00e9llo w\u00f6rld \u00df \u01c6", "csv": "a,b,,c", "url": "a b&c=d/e?f%20",
    "nested": [[1, 2], [3, [4, 5]], []], "key": "a", "index": 1, "when": "2020-06-15 14:30:00",
    "large": 1e20, "tiny": 0.00001, "mixed": [1, "two", None, 3.5, True],
}
PARTIALS = {
    "one.liquid": "[{{ one }}{{ x }}{{ word }}]",
    "two.liquid": "{% assign x = 9 %}{{ x }}{{ forloop.index }}",
    "three.liquid": "{% for q in (1..2) %}{{ q }}{% if q == 1 %}{% break %}{% endif %}"
                    "{% endfor %}{{ item }}",
    "four.liquid": "{% increment counter %}{{ y | upcase }}{{ five }}{% cycle 1, 2 %}",
}
PATHS = ("object.a object.b object.c object.d.e object.c[1] object.c.last object.c.size object['b'] "
         "object[key] numbers[index] numbers[-1] numbers.first numbers.size words.last "
         "products[0].t products.last.price products[1]['t'] nested[1][1][0] word.size "
         "forloop.index forloop.last forloop.rindex0 forloop.length forloop.parentloop.index0 "
         "nope nope.a five.b").split()
PLAIN = ("abs capitalize ceil compact downcase escape escape_once first floor h last lstrip "
         "newline_to_br reverse round rstrip size strip strip_html strip_newlines uniq upcase "
         "url_decode url_encode base64_encode base64_url_safe_encode").split()
LISTS = {"first", "last"}
WITH_ONE = ("append at_least at_most divided_by minus modulo plus prepend times remove "
            "remove_first remove_last split join default truncate truncatewords slice").split()
WITH_TWO = "replace replace_first replace_last truncate truncatewords slice".split()


class Grammar:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        choice = self.random.choice(choices)
        return choice() if callable(choice) else choice

    def some(self, most, make):
        return "".join(make() for _ in range(self.random.randint(0, most)))

    def literal(self):
        return self.pick("1.5", "-0.5", "2.0", "0.1", "'a'", "\"b\"", "''", "'Hello'", "','",
                         "\"3\"", "'x y'", "true", "false", "nil",
                         lambda: str(self.random.randint(-3, 12)))

    def variable(self):
        return self.pick(*PATHS, *DATA, "x", "y", "item")

    def expression(self):
        return self.pick(self.variable, self.variable, self.literal)

    def argument(self):
        """Lengths that no machine has the reference's host refuses in its own words."""
        expression = self.expression()
        return "five" if expression in ("big", "large") else expression

    def range(self):
        first, last = self.pick("1", "0", "index", "-2"), self.pick("3", "five", "index", "2")
        return f"({first}..{last})"

    def filter(self):
        # Of a string these came later.
        plain = self.pick(*[name for name in PLAIN if name not in LISTS])
        one = f"{self.pick(*WITH_ONE)}: {self.argument()}"
        two = f"{self.pick(*WITH_TWO)}: {self.argument()}, {self.argument()}"
        return " | " + self.pick(plain, plain, one, one, two)

    def output(self):
        dash, end = self.pick("", "", "-"), self.pick("", "", "-")
        return f"{{{{{dash} {self.expression()}{self.some(3, self.filter)} {end}}}}}"

    def tag(self, text):
        dash, end = self.pick("", "", "", "-"), self.pick("", "", "", "-")
        return f"{{%{dash} {text} {end}%}}"

    def condition(self):
        def compare():
            operator = self.pick("==", "!=", "<", ">", "<=", ">=", "contains", "<>")
            return self.pick(self.expression(), f"{self.expression()} {operator} {self.expression()}")
        return compare() + self.some(2, lambda: f" {self.pick('and', 'or')} {compare()}")

    def block(self, depth):
        return "".join(self.node(depth + 1) for _ in range(self.random.randint(1, 3)))

    def branches(self, depth):
        word = self.pick("if", "if", "unless")
        return (self.tag(f"{word} {self.condition()}") + self.block(depth) +
                self.some(2, lambda: self.tag(f"elsif {self.condition()}") + self.block(depth)) +
                self.some(1, lambda: self.tag("else") + self.block(depth)) + self.tag("end" + word))

    def case(self, depth):
        def when():
            more = self.some(1, lambda: self.pick(", ", " or ") + self.expression())
            return self.tag(f"when {self.expression()}{more}") + self.block(depth)
        return (self.tag(f"case {self.expression()}") + when() + self.some(2, when) +
                self.some(1, lambda: self.tag("else") + self.block(depth)) + self.tag("endcase"))

    def loop(self, depth):
        name, over = self.pick("item", "x"), self.pick(self.variable, self.range)
        options = self.pick("", " reversed") + self.pick("", " limit:2", " limit:index") + \
            self.pick("", " offset:1", " offset:continue")
        leave = self.some(1, lambda: self.tag(f"if {self.condition()}") +
                          self.tag(self.pick("break", "continue")) + self.tag("endif"))
        return (self.tag(f"for {name} in {over}{options}") + self.block(depth) +
                f"{{{{ {name} }}}}" + leave +
                self.some(1, lambda: self.tag("else") + self.block(depth)) + self.tag("endfor"))

    def table(self, depth):
        return (self.tag(f"tablerow item in {self.range()} cols:{self.pick('2', 'five')}") +
                self.pick("{{ item }}", "{{ tablerowloop.col }}{{ tablerowloop.col_last }}",
                          lambda: self.block(depth)) + self.tag("endtablerow"))

    def partial(self):
        name = self.pick("one", "two", "three", "four")
        how = self.pick("", f" with {self.variable()}", f" for {self.variable()}",
                        f", x: {self.expression()}", f" with {self.variable()} as x",
                        f" for {self.variable()} as item")
        return self.tag(f"{self.pick('render', 'include')} '{name}'{how}")

    def lines(self):
        def line():
            return self.pick(f"echo {self.expression()}{self.some(2, self.filter)}",
                             f"assign x = {self.expression()}{self.some(2, self.filter)}",
                             f"if {self.condition()}\n echo {self.expression()}\nendif", "# no")
        return "{% liquid\n" + "".join(line() + "\n" for _ in range(3)) + "%}"

    def node(self, depth):
        simple = (
            "x", "\n", "  a  ", "|", "<b>", "% }", self.output, self.output,
            lambda: self.tag(f"assign {self.pick('x', 'y', 'item')} = "
                             f"{self.expression()}{self.some(2, self.filter)}"),
            lambda: self.tag(f"echo {self.expression()}{self.some(2, self.filter)}"),
            lambda: self.tag(f"cycle {self.pick('', 'word: ')}{self.variable()}, 'b'"),
            lambda: self.tag(f"{self.pick('increment', 'decrement')} {self.pick('x', 'counter')}"),
            "{% raw %}{{ x }}{% endraw %}", "{% comment %}{{ x }}{% endcomment %}", self.partial,
            self.lines)
        if depth > 3:
            return self.pick(*simple)
        return self.pick(*simple, lambda: self.branches(depth), lambda: self.case(depth),
                         lambda: self.loop(depth), lambda: self.loop(depth),
                         lambda: self.table(depth),
                         lambda: self.tag("capture y") + self.block(depth) + self.tag("endcapture"),
                         lambda: self.tag("ifchanged") + self.block(depth) + self.tag("endifchanged"))

    def template(self):
        return "".join(self.node(0) for _ in range(self.random.randint(1, 5)))


@pytest.mark.parametrize("mode", ["strict", "lax"])
def test_templates(tmp_path, mode):
    grammar = Grammar(f"{mode} {SEED}")
    assert_alike(tmp_path, [{"template": grammar.template(), "data": DATA, "partials": PARTIALS,
                             "mode": mode} for _ in range(CASES)])


# ---- numbers and dates ----------------------------------------------------------------

def test_numbers(tmp_path):
    draw = random.Random(f"numbers {SEED}")

    def number():
        return draw.choice([
            draw.randint(-20, 20), draw.randint(-10**6, 10**6), draw.randint(-2**70, 2**70),
            draw.randint(-2**300, 2**300),
            round(draw.uniform(-100, 100), draw.randint(0, 6)), draw.uniform(-1, 1),
            draw.choice([0.1, 0.2, 2.5, -0.5, -0.0, 1e15, 1e-5, 123456789.123456789, 1.005,
                         4503599627370495.5, "12", "3.7", " 5 ", "-4abc", "", "1_000", "5.",
                         None, True, []])])

    def calls():
        names = draw.choices("plus minus times divided_by modulo at_least at_most".split(),
                             k=draw.randint(1, 2))
        return "".join(f" | {name}: {argument}" for name, argument in zip(names, "bc")) + \
            draw.choice(["", "", " | abs", " | ceil", " | floor", " | round", " | round: 2"])
    cases = []
    for _ in range(CASES):
        data = {"a": number(), "b": number(), "c": draw.randint(-8, 8)}
        # Decimals have 37 digits here.
        if any(isinstance(value, int) and abs(value) > 10**16 for value in data.values()):
            data = {name: int(value) if isinstance(value, float) else value
                    for name, value in data.items() if not isinstance(value, str)}
        cases.append({"template": f"{{{{ a{calls()} }}}} {{% if a < b %}}<{{% endif %}}",
                      "mode": "lax", "data": data})
    assert_alike(tmp_path, cases)


def test_dates(tmp_path):
    draw = random.Random(f"dates {SEED}")
    months = "January Feb Mar march April MAY June Jul August Sept November Dec".split()

    def date():
        year, month, day = draw.randint(1970, 2099), draw.randint(1, 12), draw.randint(1, 28)
        name = draw.choice(months)
        return draw.choice([
            f"{year}-{month:02}-{day:02}", f"{day} {name} {year}", f"{name} {day}, {year}",
            f"{year}/{month}/{day}", f"{day}.{month}.{year}", f"{day}-{name}-{year}",
            f"{year}{month:02}{day:02}", f"{name} {year}", f"Mon, {day} {name} {year}"])

    def time():
        hour, minute, second = draw.randint(0, 23), draw.randint(0, 59), draw.randint(0, 59)
        return draw.choice([
            "", f" {hour}:{minute:02}", f" {hour:02}:{minute:02}:{second:02}",
            f" {hour:02}:{minute:02}:{second:02}.{draw.randint(0, 999)}",
            f" {draw.randint(1, 12)}:{minute:02} {draw.choice(['am', 'PM'])}"])

    def directive():
        flag = draw.choice(["", "", "-", "_", "0", "^", "#", ":", "E", "-^"])
        width = draw.choice(["", "", "2", "5", "12"])
        letter = draw.choice("aAbBcCdDeFgGhHIjklLmMnNpPrRsStTuUvVwWxXyYzZ%")
        # %-z is -0000 there for a time that said UTC, +0000 for one that said nothing.
        return "%" + (flag.strip("-^") if letter == "z" else flag) + width + letter
    zones = ["", "", "", " UTC", " +0100", " -05:30", " EST", " Z"]
    cases = []
    for _ in range(CASES):
        when = time()
        zone = draw.choice(zones) if when else ""
        cases.append({"template": "{{ d | date: f }}", "mode": "lax", "data": {
            "d": draw.choice([date() + when + zone, draw.randint(0, 2**32), "now", "today"]),
            "f": " ".join(directive() for _ in range(4))}})
    assert_alike(tmp_path, cases)
