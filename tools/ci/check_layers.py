#!/usr/bin/python3
"""Checks #include lines and a few code rules against layers.toml. --self-test checks the checker."""

import re
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^\s()\\]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.S,
)
BRACED = re.compile(r"(?:[(,]\s*|\b(?!mutable\b|noexcept\b)[A-Za-z_][\w:]*(?:<[\w:, ]*>)?\s*)\{")
LAMBDA_CALLED = re.compile(r"^\s*\[")


def strip(text):
    """Blanks comments and literals but keeps the line numbers."""
    return NOISE.sub(lambda m: '""' + "\n" * m.group().count("\n"), text)


def module_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "backends" and len(parts) > 2 else parts[0]


def matches(path, patterns):
    return any(fnmatch(path, p) for p in patterns)


def allowed_arrow(source, target, modules):
    def key(module):
        return "backends/*" if module.startswith("backends/") else module

    return source == target or key(target) in modules.get(key(source), [])


def awaited(code, start):
    """The full-expression that follows co_await at start."""
    depth = 0
    for i in range(start, len(code)):
        c = code[i]
        if c in "([{":
            if c == "{" and depth == 0 and code[start:i].rstrip().endswith(")"):
                return code[start:i]
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < 0:
                return code[start:i]
        elif c == ";" and depth == 0:
            return code[start:i]
    return code[start:]


def outside_lambda_bodies(expression):
    """Empties lambda bodies: what they hold does not belong to the full-expression."""
    out, i = "", 0
    for m in re.finditer(r"\]\s*(?:\([^()]*\))?\s*(?:mutable|noexcept|->\s*[\w:<>]+|\s)*\{", expression):
        if m.start() < i:
            continue
        out += expression[i : m.start()] + "]"
        depth, i = 1, m.end()
        while i < len(expression) and depth:
            depth += {"{": 1, "}": -1}.get(expression[i], 0)
            i += 1
    return out + expression[i:]


def check(path, text, rules):
    """Returns the problems of one file; path is relative to src/."""
    problems = []

    def add(at, message):
        problems.append(f"src/{path}:{text.count(chr(10), 0, at) + 1}: {message}")

    modules = rules["modules"]
    source = module_of(path)
    for m in INCLUDE.finditer(text):
        header = m[2]
        target = module_of(header)
        ours = target in modules or target.startswith("backends/")
        if m[1] == '"' and ours and not allowed_arrow(source, target, modules):
            add(m.start(2), f"{source} may not include {target} ({header})")
        for library in rules["library"]:
            if header.startswith(tuple(library["headers"])) and not matches(path, library["allowed"]):
                add(m.start(2), f"{library['name']} may not be included here ({header})")

    code = strip(text)

    def add_code(at, message):
        problems.append(f"src/{path}:{code.count(chr(10), 0, at) + 1}: {message}")

    for rule in rules["code"]:
        if not matches(path, rule["allowed"]):
            for m in re.finditer(rule["pattern"], code):
                add_code(m.start(), f"not allowed here: {rule['name']} ({m.group()})")
    for m in re.finditer(r"\bco_await\b", code):
        expression = awaited(code, m.end())
        if LAMBDA_CALLED.match(expression):
            add_code(m.start(), "co_await of a lambda called in place: g++ 12 destroys it twice")
        elif BRACED.search(outside_lambda_bodies(expression)):
            add_code(m.start(), "braced temporary in co_await: g++ 12 destroys it twice, name it")
    return problems


def self_test(rules):
    def bad(path, text):
        return len(check(path, text, rules))

    cases = [
        ("mqtt/a.hpp", '#include "model/ids.hpp"', 0),
        ("mqtt/a.hpp", '#include "broker/session.hpp"', 1),
        ("broker/a.cpp", '#include "hooks/rules.hpp"', 1),
        ("app/a.cpp", '#include "backends/sqlite/backend.hpp"', 0),
        ("backends/redis/a.cpp", '#include "backends/sqlite/backend.hpp"', 1),
        ("backends/redis/a.cpp", '#include "backends/redis/translate.hpp"', 0),
        ("backends/redis/a.cpp", '#include "config/settings.hpp"', 1),
        ("runtime/a.cpp", '#include "backends/sqlite/backend.hpp"', 1),
        ("store/a.cpp", "#include <boost/asio/post.hpp>", 1),
        ("net/a.cpp", "#include <boost/asio/post.hpp>", 0),
        ("backends/redis/translate.cpp", "#include <hiredis/hiredis.h>", 1),
        ("backends/redis/connection.cpp", "#include <hiredis/hiredis.h>", 0),
        ("backends/sqlite/open.cpp", "#include <sqlite3.h>", 0),
        ("store/pool.cpp", "#include <sqlite3.h>", 1),
        ("store/dead_letters.cpp", "#include <sqlite3.h>", 0),
        ("broker/a.cpp", "std::atomic<int> x;", 1),
        ("broker/a.cpp", '// std::atomic\nauto s = "std::mutex";', 0),
        ("broker/metrics.hpp", "std::atomic<int> x;", 0),
        ("base/a.hpp", "std::mutex m;", 0),
        ("net/a.cpp", "asio::co_spawn(io, f(), asio::detached);", 1),
        ("net/a.cpp", "co_await send({.topic = t});", 1),
        ("net/a.cpp", "co_await send(Options{t});", 1),
        ("net/a.cpp", "co_await send(1, std::vector<int>{t});", 1),
        ("net/a.cpp", "co_await [x] { return f(x); }();", 1),
        ("net/a.cpp", "co_await post(io, [x](int y) mutable { g(Options{y}); });", 0),
        ("net/a.cpp", "if (co_await ready()) { send(Options{t}); }", 0),
        ("net/a.cpp", "while (auto n = co_await next(x)) { use({n}); }", 0),
    ]
    wrong = [(p, t, n) for p, t, n in cases if bool(bad(p, t)) != bool(n)]
    for path, text, expected in wrong:
        print(f"self-test: {path}: {text!r}: expected {expected}, got {check(path, text, rules)}")
    return not wrong


def main():
    rules = tomllib.loads((ROOT / "tools/ci/layers.toml").read_text())
    if not self_test(rules):
        return 2
    if "--self-test" in sys.argv:
        return 0
    src = ROOT / "src"
    files = sorted(f for f in src.rglob("*") if f.suffix in (".hpp", ".cpp", ".inc", ".h"))
    problems = []
    for file in files:
        path = file.relative_to(src).as_posix()
        problems += check(path, file.read_text(), rules)
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"layers: {len(files)} files, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
