"""Checks of reading: nothing lost, nothing doubled, and nothing said to be known that is not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tallystick.records.progress import Coverage
from tallystick.records.types import RECORD_TYPES
from tallystick.testing.kit.base import KitBase, needs
from tallystick.testing.kit.capability import Capability
from tallystick.testing.kit.contents import Contents, Key, difference
from tallystick.testing.kit.desk import MICROS, Desk
from tallystick.testing.kit.failing import fail, require

__all__ = ["ReadingChecks"]

_HOUR = 3_600
_YEARS = 10 * 365 * 86_400
_SHORT = "Give `System.page_size` as it is, and let the account answer in pages of that size."
_RESUME = (
    "The cursor of a page has to say by itself where the next page begins: keep nothing in the connector between pages,"
    " and give a cursor that points behind the last record of the page."
)
_SAME = (
    "An object that did not change has to give the same bytes, custom fields and id each time: take out what the"
    " reading itself puts into them, such as times, counters or positions."
)


class ReadingChecks(KitBase):
    """What a first load, a repeated one and an interrupted one must give."""

    def test_everything_that_was_made_arrives(self, desk: Desk) -> None:
        """Objects made one a second, over several pages, are all stored after one sync."""
        made = desk.fill(self.creates)
        desk.read()
        _arrived(made, desk.contents(), "Read every page of every stream, also the last one, which is not full.")

    def test_a_second_run_brings_nothing_new(self, desk: Desk) -> None:
        """Run again at the same instant, or a minute later, a sync stores nothing; read anew, all is the same."""
        desk.fill(self.creates, 0.5)
        # What is younger than the lag is read twice.
        for name in self.creates:
            desk.create(name, 1)
        desk.read()
        self._brings_nothing(desk)
        desk.settle()
        desk.read()
        desk.system.advance(60)
        self._brings_nothing(desk)
        once, twice = desk.read_whole("once")[0], desk.read_whole("twice")[0]
        wrong = difference(once, twice)
        require(not wrong, f"read anew at the same instant, {wrong}", _SAME)

    def _brings_nothing(self, desk: Desk) -> None:
        again = {stream.stream: stream.stored for stream in desk.read().streams if stream.stored}
        require(not again, f"a second run stored records again: {again}", _SAME)

    def test_resuming_at_every_page_equals_an_uncut_run(self, desk: Desk) -> None:
        """Cut after any number of pages and resumed by another connector, the same is stored as without a cut."""
        desk.fill(self.creates)
        whole, longest = desk.read_whole()
        require(longest > 2, f"the longest slice had {longest} pages, so that no cut can be tried", _SHORT)
        for pages in range(1, longest):
            store = f"cut-{pages}"
            desk.cut(store, pages)
            desk.read(store)
            wrong = difference(whole, desk.contents(store))
            require(not wrong, f"cut after {pages} pages and resumed, {wrong}", _RESUME)

    def test_reading_one_page_a_run_equals_an_uncut_run(self, desk: Desk) -> None:
        """Cut after every single page, and resumed each time, the same is stored in the end."""
        desk.fill(self.creates)
        whole, longest = desk.read_whole()
        require(longest > 2, f"the longest slice had {longest} pages, so that no cut can be tried", _SHORT)
        for _ in range(longest):
            desk.cut("cut", 1)
        # What is read once more because the system may lag can be several pages long, and is cut again each time.
        desk.read("cut")
        wrong = difference(whole, desk.contents("cut"))
        require(not wrong, f"cut after every page, {wrong}", _RESUME)

    def test_ties_across_a_page_edge_lose_nothing(self, desk: Desk) -> None:
        """More objects of one instant than fit on two pages are all read, uncut and cut at each page."""
        count = 2 * desk.system.page_size + 1
        made = [(name, desk.system.create(name)) for name in self.creates for _ in range(count)]
        desk.settle()
        whole, longest = desk.read_whole()
        advice = "Page by time and id together, or by a token of the system: time alone skips what shares an instant."
        _arrived(made, whole, advice)
        for pages in range(1, longest):
            store = f"cut-{pages}"
            desk.cut(store, pages)
            desk.read(store)
            wrong = difference(whole, desk.contents(store))
            require(not wrong, f"with ties, cut after {pages} pages and resumed, {wrong}", advice)

    def test_ties_across_two_runs_lose_nothing(self, desk: Desk) -> None:
        """An object made at the very instant at which a sync ended arrives with the next sync."""
        made = [(name, desk.system.create(name)) for name in self.creates]
        desk.read()
        made += [(name, desk.system.create(name)) for name in self.creates]
        desk.settle()
        desk.read()
        _arrived(
            made,
            desk.contents(),
            "Windows are half-open: the end is not read, and the next read begins at it, not behind it. Begin the next"
            " read at the watermark or before.",
        )

    def test_the_watermark_is_not_ahead_of_what_was_read(self, desk: Desk) -> None:
        """Whatever a read leaves out, cut at any page or whole, happened at or after the watermark it gave."""
        desk.fill(self.creates)
        _, longest = desk.read_whole()
        for pages in range(1, longest):
            store = f"cut-{pages}"
            desk.cut(store, pages)
            known, before = desk.coverage(store), desk.contents(store)
            desk.read(store)
            _nothing_behind(known, before, desk.contents(store), f"after a cut behind {pages} pages")
        known, before = desk.coverage("uncut"), desk.contents("uncut")
        for name in self.creates:
            desk.system.create(name)
        desk.settle()
        desk.read("uncut")
        _nothing_behind(known, before, desk.contents("uncut"), "after a whole run")

    @needs(Capability.EDITS)
    def test_a_second_edit_does_not_hide_the_first(self, desk: Desk) -> None:
        """Of an object edited twice before a read that is cut, the first edit is not behind the watermark."""
        made = desk.fill(self._types(Capability.EDITS))
        twice = [next(key for key in made if key[0] == name) for name in self._types(Capability.EDITS)]
        stores = {pages: f"cut-{pages}" for pages in (1, 2)}
        for store in stores.values():
            desk.read(store)
        for kind, record_id in (*twice, *(key for key in made if key not in twice), *twice):
            desk.system.edit(kind, record_id)
            desk.system.advance(1)
        desk.settle()
        for pages, store in stores.items():
            desk.cut(store, pages)
            known, before = desk.coverage(store), desk.contents(store)
            desk.read(store)
            _nothing_behind(known, before, desk.contents(store), f"after edits and a cut behind {pages} pages")

    @needs(Capability.EDITS)
    def test_an_edit_in_the_middle_of_a_read_does_not_hide_an_earlier_one(self, desk: Desk) -> None:
        """Edited before a read and again between two of its pages, an object tells the first edit with that read."""
        names = self._types(Capability.EDITS)
        made = desk.fill(names)
        desk.read()
        twice = [next(key for key in reversed(made) if key[0] == name) for name in names]
        for kind, record_id in (*(key for key in made if key not in twice), *twice):
            desk.system.edit(kind, record_id)
            desk.system.advance(1)
        desk.settle()
        end = desk.system.now()
        desk.cut("store", 1, until=end)
        desk.system.advance(1)
        for kind, record_id in twice:
            desk.system.edit(kind, record_id)
        desk.system.advance(1)
        desk.read(until=end)
        known, before = desk.coverage(), desk.contents()
        desk.settle()
        desk.read()
        _nothing_behind(known, before, desk.contents(), "after an edit in the middle of a read", _LEFT)

    @needs(Capability.LAG)
    def test_what_appears_late_is_not_behind_the_watermark(self, desk: Desk) -> None:
        """An object that the system shows late arrives, and no watermark had said that its time was complete."""
        desk.fill(self.creates, 0.2)
        desk.system.set_fault(Capability.LAG, times=None, seconds=self.lag_seconds)
        made = [(name, desk.system.create(name)) for name in self._types(Capability.LAG)]
        desk.system.advance(1)
        desk.read()
        known, before = desk.coverage(), desk.contents()
        require(
            not before.keys() & set(made),
            "the simulator showed at once what it should have shown late",
            "Let `Capability.LAG` hide what is made while it is set, or say in `lacks` why the system has no lag.",
        )
        desk.settle()
        desk.system.clear()
        desk.read()
        after = desk.contents()
        _arrived(made, after, "Begin each read so far before the watermark as the system may lag.")
        _nothing_behind(known, before, after, "while the system lagged")

    def test_a_fast_clock_here_loses_nothing(self, desk: Desk) -> None:
        """With this machine's clock an hour or years ahead, no watermark passes the system's clock; nothing is lost."""
        desk.fill(self.creates, 0.2)
        desk.read("hour", until=desk.system.now() + _HOUR * MICROS)
        # Years ahead, a stream may refuse to read.
        desk.sync("years", until=desk.system.now() + _YEARS * MICROS)
        now = desk.system.now()
        for store in ("hour", "years"):
            known = desk.coverage(store).items()
            ahead = [kind for kind, cover in known if (cover.watermark or 0) > now]
            require(
                not ahead,
                f"with a clock that is {store} ahead the watermark of {', '.join(ahead)} is later than the system's own"
                " clock",
                "Bound the watermark by the clock that the system tells with its first answer, not by `until`. Refuse a"
                " slice that begins after that clock: CursorExpired lets the next run plan anew.",
            )
        made = [key for name in self.creates for key in desk.create(name, 1)]
        desk.settle()
        desk.read("hour", until=desk.system.now() + _HOUR * MICROS)
        desk.read("years")
        for store in ("hour", "years"):
            _arrived(
                made, desk.contents(store), "Plan the next read from the watermark, not from this machine's clock."
            )

    def test_a_slow_clock_here_loses_nothing(self, desk: Desk) -> None:
        """With this machine's clock an hour behind at one sync, the next one brings what is missing."""
        made = desk.fill(self.creates, 0.2)
        desk.read(until=desk.system.now() - _HOUR * MICROS)
        desk.read()
        _arrived(made, desk.contents(), "Read no further than `until`, and go on from the watermark at the next run.")

    def test_two_accounts_stay_apart(self, desk: Desk, tmp_path: Path) -> None:
        """Two accounts read in turn in one process give each what is its own."""
        with self._desk(2, tmp_path) as other:
            made = {desk: desk.fill(self.creates, 0.2), other: other.fill(self.creates, 0.2)}
            readers = {one: one.connect() for one in made}
            for one, reader in readers.items():
                one.read(connector=reader)
            for one, two in ((desk, other), (other, desk)):
                found = one.contents()
                advice = "Keep nothing of an account in the module or in the class: all of it belongs to the connector."
                _arrived(made[one], found, advice)
                foreign = sorted(found.keys() & set(made[two]))
                require(not foreign, f"{len(foreign)} records of another account were read", advice)


def _arrived(made: list[Key], found: Contents, advice: str) -> None:
    missing = [key for key in made if key not in found]
    if missing:
        kind, record_id = missing[0]
        fail(f"{len(missing)} of {len(made)} objects never arrived, the first is {kind} {record_id}", advice)


_LEFT = (
    "An object that changes while it is read leaves the window that is read: ask for what changed since its start"
    " without an end, and end the slice with the last page."
)
_AHEAD = (
    "Give a watermark only up to where all is read: None until the last page of a newest-first list, or of objects that"
    " bring their history along, and behind the system's clock by as much as it may show things late."
)


def _nothing_behind(
    known: Mapping[str, Coverage], before: Contents, after: Contents, when: str, advice: str = _AHEAD
) -> None:
    """Fail if a record came later that happened before what was said to be known completely."""
    for (kind, record_id), states in after.items():
        watermark = known[kind].watermark if kind in known else None
        at = states[0].columns[RECORD_TYPES[kind].occurred]
        if (kind, record_id) in before or watermark is None or at is None or at >= watermark:
            continue
        fail(
            f"{when}, {kind} {record_id} came {(watermark - at) / MICROS:g} seconds behind the watermark",
            advice,
        )
