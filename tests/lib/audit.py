"""`keepmq audit` in the background, while a test breaks things."""

import json
import re
import signal
import subprocess

from lib.broker import clean_environment
from lib.wait import until

PROGRESS = re.compile(r"sent (\d+), acknowledged (\d+), received (\d+), connected (\d+)")


class Audit:
    """Publishes through a broker until it is told to stop, then compares with the database of `pool`.
    `options`: of the command, words. `port`: another way to the broker, a proxy perhaps."""

    def __init__(self, broker, kind="sqlite", *options, pool="pool1", port=None, name="audit"):
        self.broker = broker
        self.is_stopped = False
        self.progress_file = broker.folder / f"{name}.progress"
        words = broker.command("audit", kind, pool, "--json", "--port", str(port or broker.port),
                               *map(str, options))
        with self.progress_file.open("ab") as progress:
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=progress, text=True,
                                            cwd=broker.folder, env=clean_environment())

    def progress(self):
        """Sent, acknowledged, received, connected, as far as it has said."""
        found = PROGRESS.findall(self.progress_file.read_text())
        return tuple(map(int, found[-1])) if found else (0, 0, 0, 0)

    def await_acknowledged(self, more=1, timeout=60):
        """Until it got so many more acknowledgements."""
        wanted = self.progress()[1] + more

        def reached():
            assert self.process.poll() is None, f"the audit ended: {self.progress_file.read_text()[-2000:]}"
            return self.progress()[1] >= wanted

        until(reached, f"{wanted} acknowledgements", timeout, every=0.05)

    def await_connected(self, count, timeout=60):
        """Until so many clients are."""
        self.progress_file.write_bytes(b"")  # what it said before does not count
        until(lambda: self.progress()[3] >= count, f"{count} connections", timeout, every=0.05)

    def stop(self):
        """No new messages; the second time, no waiting."""
        self.is_stopped = True
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def result(self, timeout=180):
        """What it found."""
        try:
            output, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the audit did not end: {self.progress_file.read_text()[-2000:]}") from None
        assert self.process.returncode in (0, 1), \
            f"the audit ended with {self.process.returncode}: {self.progress_file.read_text()[-2000:]}"
        found = json.loads(output)
        assert found["clean"] == (self.process.returncode == 0)
        return found

    def end(self, timeout=180):
        """Stops it, unless that was done, and returns what it found."""
        if not self.is_stopped:
            self.stop()
        return self.result(timeout)


def row(name, found):
    """One line for people."""
    text = (f"{name}: acked {found['acked']}, stored {found['stored']}, dead-lettered {found['dead_lettered']}, "
            f"missing {found['missing']}, duplicate {found['duplicate']}, out of order {found['out_of_order']}")
    delivery = found.get("delivery")
    if delivery:
        text += (f"; delivered {delivery['received']}, missing {delivery['missing']}, "
                 f"duplicate {delivery['duplicate']}, out of order {delivery['out_of_order']}")
    return text


def assert_clean(found):
    assert found["clean"], json.dumps(found, indent=1)
    assert found["acked"] > 0
