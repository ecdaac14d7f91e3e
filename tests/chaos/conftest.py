"""Fixtures of the chaos tests. The short form is for CI; --long, or KEEPMQ_CHAOS_LONG=1, for people.
KEEPMQ_CHAOS_SEED repeats a run's chances."""

import os
import random
import time

import pytest

from chaos.targets import Target
from lib.audit import Audit, assert_clean, row
from lib.servers.server import free_port

FIGURES = []  # one line for each audit
# In the environment, so that all workers have the same.
SEED = int(os.environ.setdefault("KEEPMQ_CHAOS_SEED", str(random.randrange(2**32))))


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", default=bool(os.environ.get("KEEPMQ_CHAOS_LONG")),
                     help="the long form of the chaos tests, hours")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--long"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_report_header():
    return f"chaos: KEEPMQ_CHAOS_SEED={SEED}"


class ShowFigures:
    """At once, which helps when a run takes hours, and again at the end of it."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        if report.when != "teardown":
            return
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        for name, text in report.user_properties:
            if name == "figure":
                FIGURES.append(text)
                terminal.ensure_newline()
                terminal.write_line(text)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # else the reports go to who started this worker
        config.pluginmanager.register(ShowFigures(config))


def pytest_terminal_summary(terminalreporter):
    if FIGURES:
        terminalreporter.section(f"acknowledged and kept (KEEPMQ_CHAOS_SEED={SEED})")
        for line in FIGURES:
            terminalreporter.write_line(line)


def show(test, figure):
    test.user_properties.append(("figure", figure))  # goes with the report, from a worker too


@pytest.fixture
def is_long(request):
    return request.config.getoption("--long")


@pytest.fixture
def pick(is_long):
    """pick(short, long): the one of this form."""
    return lambda short, long: long if is_long else short


@pytest.fixture
def seed(request):
    """Of this test, the same in every run with the same KEEPMQ_CHAOS_SEED."""
    return f"{SEED} {request.node.name}"


@pytest.fixture
def chance(seed):
    return random.Random(seed)


@pytest.fixture
def target(request, is_long):
    """The database that the test's parameter names."""
    name = request.param
    return Target(name, None if name == "sqlite" else request.getfixturevalue(f"{name}_database"), is_long)


@pytest.fixture
def start_on(start):
    """start_on(target, ...): a broker on that database, with its tables. Order holds however slow the machine is:
    live messages do not overtake stored ones."""

    def make(target, settings=None, port=None, rules=None, **options):
        usual = {"log.level": "info", "replay.deadline": "1h"}
        for listener in ("listener.tcp.external", "dashboard.listener.http"):
            usual[listener] = f"127.0.0.1:{free_port()}"
        broker = start(plugins=target.plugins(port, rules), started=False, settings=usual | (settings or {}), **options)
        target.create_tables(broker)
        return broker.start()

    return make


@pytest.fixture
def audit():
    """audit(broker, target, ...): 50 publishers with QoS 1 and 2, until it is ended."""
    running = []

    def make(broker, target, *options, **more):
        running.append(Audit(broker, target.kind, "--publishers", 50, *target.load, *options, **more))
        return running[-1]

    yield make
    for each in running:
        if each.process.poll() is None:
            each.kill()


@pytest.fixture
def note(request):
    """note(text): shown at the end of the run."""
    return lambda text: show(request.node, f"{request.node.name}: {text}")


@pytest.fixture
def judge(request):
    """judge(audit): ends it; all must be kept. The figures are shown at the end of the run."""

    def end(audit, timeout=240):
        begin = time.monotonic()
        found = audit.end(timeout)
        line = f"{row(request.node.name, found)}; sessions lost {found['sessions_lost']}, refused {found['refused']}"
        print(line, f"({time.monotonic() - begin:.1f} s to the verdict)")
        show(request.node, line)
        assert_clean(found)
        assert found["unsettled"] == 0, found
        assert found["sessions_lost"] == 0, found
        return found

    return end
