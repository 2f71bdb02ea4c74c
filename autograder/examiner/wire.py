"""Frames between the examiner and a candidate, over a stream socket."""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

from autograder.examiner.plain import WireError, decode, encode

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
        self._buffer = bytearray()

    def fileno(self) -> int:
        """The file descriptor."""
        return self._socket.fileno()

    def send(self, value: Any) -> None:
        """Send *value*.

        Raises:
            Refused: it may not cross.
            Closed: the other side is gone.
        """
        data = encode(value, self._limit)
        try:
            self._socket.sendall(HEADER.pack(len(data)) + data)
        except OSError as error:
            raise Closed(str(error)) from None

    def receive(self, seconds: float | None = None) -> Any:
        """The next message, waiting at most *seconds*.

        Raises:
            TooSlow: it did not come in time.
            Closed: the other side is gone.
            WireError: what came is no message.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        (length,) = HEADER.unpack(self._exactly(HEADER.size, deadline))
        if length > self._limit + 4096:
            raise WireError(f"not a message: {length} bytes")
        return decode(self._exactly(length, deadline))

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        while len(self._buffer) < count:
            if deadline is not None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._poll.poll(left * 1000):
                    raise TooSlow("no message in time")
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
