"""Frames between the examiner and a candidate, over a stream socket."""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

from autograder.wire.errors import WireError
from autograder.wire.plain import Reader, Writer, decode, encode

__all__ = ["HEADER", "Channel", "Closed", "TooSlow"]

HEADER = struct.Struct(">I")


class Closed(WireError):
    """The other side is gone."""


class TooSlow(WireError):
    """No message came in time."""


class Channel:
    """Frames over a stream socket: four bytes of length, then the message."""

    def __init__(self, connection: socket.socket, limit: int) -> None:
        self._socket = connection
        self._limit = limit
        self._poll = select.poll()
        self._poll.register(connection, select.POLLIN)
        self._room = select.poll()
        self._room.register(connection, select.POLLOUT)
        self._buffer = bytearray()

    def fileno(self) -> int:
        """The file descriptor."""
        return self._socket.fileno()

    def send(self, value: Any, seconds: float | None = None, writer: Writer | None = None) -> None:
        """Send *value*, waiting at most *seconds* for the other side to take it; *writer* knows what it may refer to.

        Raises:
            Refused: it may not cross.
            TooSlow: it was not taken in time.
            Closed: the other side is gone.
        """
        data = encode(value, self._limit, writer)
        left = memoryview(HEADER.pack(len(data)) + data)
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            # Most messages fit into the socket's buffer: one call, without asking first whether there is room.
            while left := left[self._send_some(left) :]:
                _await(self._room, deadline, "the message was not taken in time")
        except OSError as error:
            raise Closed(str(error)) from None

    def _send_some(self, data: memoryview) -> int:
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def receive(self, seconds: float | None = None, reader: Reader | None = None) -> Any:
        """The next message, waiting at most *seconds*; *reader* knows what it may refer to.

        Raises:
            TooSlow: it did not come in time.
            Closed: the other side is gone.
            WireError: what came is no message.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        (length,) = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if length > self._limit + 4096:
            raise WireError(f"not a message: {length} bytes")
        return decode(self._exactly(length, deadline), reader)

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        while len(self._buffer) < count:
            if deadline is not None:
                _await(self._poll, deadline, "no message in time")
            try:
                chunk = self._socket.recv(1 << 16)
            except OSError as error:
                raise Closed(str(error)) from None
            if not chunk:
                raise Closed("the other side is gone")
            self._buffer += chunk
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _await(poll: Any, deadline: float | None, what: str) -> None:
    if deadline is None:
        poll.poll()
        return
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TooSlow(what)
