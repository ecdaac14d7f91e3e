"""The tables of the MySQL backend: ours, and those that EMQ X documents."""

from lib.broker import ROOT

BACKEND = ROOT / "src" / "backends" / "mysql"
FILES = {
    "our_tables": BACKEND / "schema" / "001_init.sql",
    "emqx_4_4_tables": BACKEND / "tests" / "tables" / "emqx_4_4.sql",
    "emqx_english_tables": BACKEND / "tests" / "tables" / "emqx_en.sql",
}
OURS, EMQX_4_4, EMQX_ENGLISH = FILES


def create(database, tables):
    database.script(FILES[tables].read_text())
