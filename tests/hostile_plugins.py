"""A plugin whose connector does one thing wrong, named in its settings, and the plugins that cannot even be loaded."""

import datetime as dt
import itertools
import json
import os
import threading
from decimal import Decimal
from typing import ClassVar

from tallystick.connectors import CheckRow, Connector, ConnectorConfig, Page, SecretRef, Slice, Stream
from tallystick.errors import ConnectorError
from tallystick.hookspecs import hookimpl
from tallystick.records.model import Record

DISTRIBUTION = "tallystick-hostile"
VERSION = "6.6.6"
GOOD = ("re_1", "re_2", "re_3")
"""Refunds on the first page, which is good whatever comes after it."""

SECRET_VARIABLE = "HOSTILE_KEY"
HANGING = threading.Event()
"""What a read that hangs waits for; set it once the test is over."""


def refund(record_id, as_of=1, **more):
    """Give a good refund; `values` or `raw` may be others."""
    values = (as_of, "succeeded", "ch_1", Decimal("1.25"), "EUR", 2, None, False)
    given = {"values": values, "raw": b'{"object":"refund"}', **more}
    return Record("refund", record_id, as_of, **given)


def _with(place, value):
    """Give a page of one refund with another value in a column."""
    values = list(refund("re_bad").values)
    values[place] = value
    return lambda part: [Page([refund("re_bad", values=tuple(values))], None, part.end)]


def _record(*arguments, **more):
    return lambda part: [Page([refund(*arguments, **more)], None, part.end)]


def _pages(*pages):
    return lambda _part: pages


def _endless(make):
    """Give pages without end, the cursor always another one."""
    return lambda _part: (make(number) for number in itertools.count(1))


def _raises(error):
    def read(_part):
        raise error

    return read


def _returns(value):
    return lambda *_arguments: value


def _silent(_part):
    HANGING.wait(60)
    return iter(())


def _refused(_part):
    key = os.environ[SECRET_VARIABLE]
    raise ConnectorError(f"the system refused Bearer {key}", hint=f"Try another than {key}.")


class _Text(str):
    """Text that is not quite text."""

    __slots__ = ()


_BIG = "x" * 1_000
_HUGE = b'"' + b"x" * 5_000_000 + b'"'

READS = {
    "good": lambda part: [Page([], None, part.end)],
    "naive datetime": _with(0, dt.datetime(2026, 1, 1)),
    "float for money": _with(3, 1.25),
    "float for an instant": _with(0, 1.0),
    "bool for an integer": _with(5, True),
    "str subclass": _with(1, _Text("succeeded")),
    "integer over 64 bits": _with(5, 2**64),
    "enormous integer": _with(5, 10**6_000),
    "decimal that is no number": _with(3, Decimal("NaN")),
    "lone surrogate": _with(1, "\ud800"),
    "too few values": _record("re_bad", values=(1,)),
    "as_of over 64 bits": _record("re_bad", as_of=2**70, values=refund("x").values),
    "custom that is a list": _record("re_bad", custom=["a"]),
    "custom with a float": _record("re_bad", custom={"a": 1.5}),
    "raw that is text": _record("re_bad", raw="{}"),
    "raw that is not UTF-8": _record("re_bad", raw=b'"\xff"'),
    "raw that is not JSON": _record("re_bad", raw=b'{"id":'),
    "raw nested without end": _record("re_bad", raw=b"[" * 100_000),
    "empty id": _record(""),
    "number as id": _record(7),
    "huge id": _record("r" * 100_000),
    "id with a NUL": _record("re\0bad"),
    "unknown record type": lambda part: [Page([Record("unicorn", "u_1", 1, (), b"{}")], None, part.end)],
    "records as a generator": lambda part: [Page((refund(one) for one in "ab"), None, part.end)],
    "no page": _pages({"records": []}),
    "read of nothing": None,
    "watermark from the future": lambda part: [Page([], None, part.end + 1)],
    "watermark that is a datetime": _pages(Page([], None, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))),
    "watermark going back": lambda part: [Page([], {"n": 1}, part.end), Page([], None, part.end - 1)],
    "cursor repeated": _pages(*(Page([refund("re_1")], {"n": n % 2}) for n in range(4))),
    "cursor going back": _pages(*(Page([refund(f"re_{n}")], {"n": n}) for n in (1, 2, 3, 2))),
    "cursor growing for ever, pages empty": _endless(lambda n: Page([], {"n": n})),
    "cursor growing for ever, page the same": _endless(lambda n: Page([refund("re_1")], {"n": n})),
    "cursor of megabytes": _pages(Page([], {"n": "x" * 3_000_000})),
    "cursor that is no JSON": _pages(Page([], {"n": {1}})),
    "cursor with a lone surrogate": _pages(Page([], {"n": "\ud800"})),
    "page of 500 MB": lambda part: [Page([refund(f"re_{n}", raw=_HUGE) for n in range(100)], None, part.end)],
    "page of a million records": lambda part: [Page([refund("re_bad")] * 1_000_000, None, part.end)],
    "exit": _raises(SystemExit(0)),
    "interrupt": _raises(KeyboardInterrupt()),
    "secret in a strange error": lambda _part: 1 / 0 if _part is None else {}[os.environ[SECRET_VARIABLE]],
    "secret in an error of ours": _refused,
    "no page for ever": _silent,
    "prints": lambda part: print("printed by a plugin") or [Page([], None, part.end)],  # noqa: T201
}
"""What a read does after its first, good page."""

PLANS = {
    "overlapping slices": lambda until: [Slice(0, until - 5, {}), Slice(until - 9, until, {})],
    "unordered slices": lambda until: [Slice(until - 5, until, {}), Slice(0, until - 5, {})],
    "slice ending later": lambda until: [Slice(0, until + 1, {})],
    "slice of floats": lambda until: [Slice(0.0, until, {})],
    "slices without end": lambda until: (Slice(0, until, {"n": n}) for n in itertools.count()),
    "plan that is None": lambda _until: None,
    "plan of tuples": lambda until: [(0, until, {})],
    "plan that raises": lambda _until: {}["no such thing"],
    "plan that exits": lambda _until: (_ for _ in ()).throw(SystemExit(0)),
}

DECLARED = {
    "unknown type declared": {"types": ("refund", "unicorn")},
    "types as a text": {"types": "refund"},
    "stream with a slash": {"name": "../refunds"},
    "stream without a name": {"name": ""},
    "revision that is a number": {"revision": 1},
    "stream following itself": {"follows": ("refunds",)},
}


class HostileConfig(ConnectorConfig):
    """Which wrong it does."""

    wrong: str = "good"
    key: SecretRef = SecretRef(f"env:{SECRET_VARIABLE}")


class _Refunds(Stream):
    name = "refunds"
    types = ("refund",)

    def __init__(self, wrong):
        self._wrong = wrong
        for told, value in DECLARED.get(wrong, {}).items():
            setattr(self, told, value)

    def plan(self, watermark, until):
        if self._wrong in PLANS:
            return PLANS[self._wrong](until)
        return [] if watermark == until else [Slice(watermark or 0, until, {})]

    def read(self, part):
        return None if self._wrong == "read of nothing" else self._pages(part)

    def _pages(self, part):
        if not part.cursor:
            yield Page([refund(one) for one in GOOD], {"first": "read"})
        yield from READS.get(self._wrong, READS["good"])(part)


class HostileConnector(Connector):
    """A connector of a pretended system that does what its settings say."""

    name = "hostile"
    version = "1.0"
    api_version = "2026-01"
    config_model = HostileConfig
    made: ClassVar[list[threading.Event]] = []

    def __init__(self, config):
        self._wrong = config.wrong
        self.reveal = config.key.reveal
        if self._wrong == "raises when made":
            raise KeyError(self.reveal())

    def streams(self):
        """Give the streams."""
        if self._wrong == "streams that raise":
            raise RuntimeError
        again = [_Refunds("good")] if self._wrong == "stream twice" else []
        return [_Refunds(self._wrong), *again]

    def check(self):
        """Say what is wrong."""
        yield CheckRow("sign-in", "ok", "signed in")
        if self._wrong == "check that raises":
            raise KeyError(self.reveal())
        if self._wrong == "check of something else":
            yield {"name": "history"}
        if self._wrong == "check of an unknown state":
            yield CheckRow("history", "fine", 5)

    def lookup(self, ref):
        """Give what its settings say."""
        return {"lookup of None": None, "lookup of dicts": [{}], "lookup of text": [refund(ref, raw="{}")]}.get(
            self._wrong, [refund(ref)]
        )

    def calls(self):
        """Give a number."""
        if self._wrong == "calls that raise":
            raise RuntimeError
        return 1

    def close(self):
        """Leave, or not."""
        if self._wrong == "close that raises":
            raise OSError(self.reveal())
        if self._wrong == "thread left behind":
            threading.Thread(target=HANGING.wait, args=(60,), name="hostile-thread").start()


@hookimpl
def tallystick_connectors():
    """Offer the connector."""
    return [HostileConnector]


IMPORTS = {
    "raises": "raise ImportError('no module named acme')",
    "exits": "raise SystemExit(0)",
    "raises what is no Exception": "class Stop(BaseException): pass\nraise Stop('now')",
    "raises what has no text": "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
    "offers an unfinished connector": (
        "from tallystick.connectors import Connector\nfrom tallystick.hookspecs import hookimpl\n"
        "class Half(Connector):\n    name = 'broken'\n"
        "@hookimpl\ndef tallystick_connectors():\n    return [Half]"
    ),
    "offers a connector without a name": (
        "from tests.hostile_plugins import HostileConnector\nfrom tallystick.hookspecs import hookimpl\n"
        "class Nameless(HostileConnector):\n    name = None\n"
        "@hookimpl\ndef tallystick_connectors():\n    return [Nameless]"
    ),
    "offers something else": (
        "from tallystick.hookspecs import hookimpl\n@hookimpl\ndef tallystick_connectors():\n    return ['x']"
    ),
    "exits in its hook": (
        "from tallystick.hookspecs import hookimpl\n@hookimpl\ndef tallystick_connectors():\n    raise SystemExit"
    ),
}
"""Bodies of modules that cannot be loaded as plugins."""


def install(folder, *, module="tests.hostile_plugins", name="hostile", distribution=DISTRIBUTION, body=None):
    """Lay a distribution into a folder of the module path: its metadata, and its module where a body is given."""
    if body is not None:
        (folder / f"{module}.py").write_text(body)
    metadata = folder / f"{distribution.replace('-', '_')}-{VERSION}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {VERSION}\n")
    (metadata / "entry_points.txt").write_text(f"[tallystick]\n{name} = {module}\n")


def project_text(**wrongs):
    """Give a project file with a source for each name, and the wrong it does."""
    sources = "".join(
        f"  {name}: {{connector: hostile, wrong: {json.dumps(wrong)}}}\n" for name, wrong in wrongs.items()
    )
    return f"project: acme\nsources:\n{sources}"
