"""Several workers (pytest -n): the tests of one group stay in one worker, which starts the servers that they
need once. Groups are those of a kind of database, of the others each file."""

import re

# The longest first, so that none is left over at the end when the other workers have nothing to do.
KINDS = {"cassa": "cassa", "redis": "redis", "mysql": "mysql|mariadb", "pgsql": "pgsql", "mongo": "mongo|ferretdb"}
LONG_FILES = ["test_kill.py", "test_trouble.py"]
FIRST = [*KINDS, *LONG_FILES]


def group_of(nodeid):
    """By the name of a test: of its file, of itself, of its parameters."""
    name = nodeid.rpartition("/")[2]
    for kind, words in KINDS.items():
        if re.search(words, name):
            return kind
    return name.partition("::")[0]


def place(item):
    """Key to sort tests by."""
    group = group_of(item.nodeid)
    return FIRST.index(group) if group in FIRST else len(FIRST)


def scheduler(config, log):
    """For pytest-xdist."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Groups(config, log)
