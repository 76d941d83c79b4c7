"""The evidence of a bundle decided by a process of its own, while this one reads the ledger and the claims.

How a record is decided follows from its rows and the contract alone, so that nothing has to be told but the records
that were decided. The other process opens the bundle by its path and makes sure that it is the same. Whatever it finds
wrong is left to this one, which comes upon it at the same place and tells it as it always does.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec

from tallystick.collector import no_collections
from tallystick.errors import StorageError
from tallystick.processes import follow_the_first, uninterrupted
from tallystick.statements.archive import Archive, Limits, open_archive
from tallystick.statements.bundle_format import INPUTS, BundleInputs
from tallystick.statements.disclosed import contract_of
from tallystick.statements.evidence import Found, decide_evidence

__all__ = ["Apart", "decided_apart"]

_AT_ONCE = 2_000
_QUICKLY = 1
_BEGUN, _DONE, _UNDONE = b"b", b"d", b"u"
_PATIENCE = 10.0

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Found])


class Apart:
    """Evidence that another process decides; made by `decided_apart`."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self._process = process
        self._connection = connection

    def done(self) -> bool:
        """Wait until everything is decided, and tell whether it is; if not, it has to be done here.

        Raises:
            StorageError: The process began, and ended by itself.
        """
        try:
            self._connection.recv_bytes()
        except (EOFError, OSError):
            # There may be no interpreter to start, or a program that cannot be read again, such as one from stdin.
            return False
        return self._receive() == _DONE

    def found(self) -> Iterator[Found]:
        """Give what `decide_evidence` gives, once it is done.

        Raises:
            StorageError: The process ended by itself.
        """
        while (packed := self._receive()) != _DONE:
            yield from _decoder.decode(zlib.decompress(packed))

    def _receive(self) -> bytes:
        try:
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            self._process.join(_PATIENCE)
            raise StorageError(
                "the process that decides the evidence ended before it was done, with exit code "
                f"{self._process.exitcode}",
                hint="It may have been killed for want of memory. Make room, or use one process: --processes 1.",
            ) from error


@contextmanager
def decided_apart(archive: Archive) -> Iterator[Apart | None]:
    """Have the evidence of a bundle decided by another process, which ends on leaving; None where there can be none.

    Args:
        archive: The open archive, verified.
    """
    context = get_context("spawn")
    try:
        here, there = context.Pipe(duplex=False)
    except OSError:
        yield None
        return
    process = context.Process(
        target=_decide, args=(there, str(archive.path), archive.digest, archive.limits), daemon=True
    )
    with here, there:
        try:
            try:
                with uninterrupted():
                    process.start()
            except (AssertionError, OSError, RuntimeError, ValueError):
                # A daemon, such as a worker of a pool, may start none, which is asserted.
                yield None
                return
            # What is left open here would keep the end of the other process from being seen.
            there.close()
            yield Apart(process, here)
        finally:
            if process.pid is not None:
                process.terminate()
                process.join(_PATIENCE)


def _decide(connection: Connection, path: str, digest: str, limits: Limits) -> None:
    """Decide the evidence of the bundle of a digest, and hand it on; this is what the other process does."""
    follow_the_first()
    with connection, no_collections(), suppress(BrokenPipeError):
        connection.send_bytes(_BEGUN)
        try:
            packed = list(_packed(path, digest, limits))
        except Exception:  # noqa: BLE001 - whatever it is, the first process comes upon it again, and tells it
            connection.send_bytes(_UNDONE)
            return
        connection.send_bytes(_DONE)
        for piece in packed:
            connection.send_bytes(piece)
        connection.send_bytes(_DONE)


def _packed(path: str, digest: str, limits: Limits) -> Iterator[bytes]:
    with open_archive(Path(path), limits, verify=False) as archive:
        if archive.digest != digest:
            raise ValueError("this is another file")
        inputs = msgspec.convert(archive.json(INPUTS), BundleInputs)
        pieces: list[Found] = []
        for found in decide_evidence(archive, inputs, contract_of(archive, inputs)):
            pieces.append(found)
            if len(pieces) == _AT_ONCE:
                yield zlib.compress(_encoder.encode(pieces), _QUICKLY)
                pieces.clear()
        yield zlib.compress(_encoder.encode(pieces), _QUICKLY)
