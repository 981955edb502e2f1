"""A counting HTTP proxy before an upstream: what is called, when, and what is answered, as the upstream sees it.

Bytes pass as they come in both directions; of HTTP only as much is read as tells one message from the next. A client that
leaves closes the upstream's connection too, as it would without a proxy.
"""

import asyncio
import contextlib
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

PIECE_BYTES = 1 << 16
# Longer heads than any HTTP server takes.
HEAD_BYTES = 1 << 20


@dataclass
class Call:
    """One request: when its head came (seconds of time.monotonic), what for, and the status of the answer."""

    at: float
    target: str
    status: int | None = None


class Proxy:
    """Listens on a free port of loopback, in a thread of its own, while it is entered."""

    def __init__(self, upstream):
        self.upstream = urlsplit(upstream)
        self.url = None
        self._calls = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server = None
        self._connections = set()

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self.upstream.path}"
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def calls(self):
        """The calls so far, in the order in which they came."""
        return list(self._calls)

    def count(self):
        """Number of calls so far."""
        return len(self._calls)

    async def _listen(self):
        return await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=HEAD_BYTES)

    async def _close(self):
        self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            await self._relay(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the upstream is gone, or the run is over: the client sees its connection close
        finally:
            self._connections.discard(task)
            writer.close()

    async def _relay(self, reader, writer):
        """Both directions at once, until one of them ends."""
        own_reader, own_writer = await asyncio.open_connection(
            self.upstream.hostname, self.upstream.port, limit=HEAD_BYTES)
        unanswered = asyncio.Queue()
        ways = [asyncio.create_task(self._requests(reader, own_writer, unanswered)),
                asyncio.create_task(self._answers(own_reader, writer, unanswered))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            own_writer.close()

    async def _requests(self, reader, writer, unanswered):
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                first, fields, head = await _head(reader)
                call = Call(time.monotonic(), first.split()[1])
                self._calls.append(call)
                unanswered.put_nowait(call)
                writer.write(head)
                await _pass_body(reader, writer, fields, until_end=False)

    async def _answers(self, reader, writer, unanswered):
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                first, fields, head = await _head(reader)
                status = int(first.split()[1])
                writer.write(head)
                if status < 200:
                    continue  # an interim answer, which has no body
                call = await unanswered.get()
                call.status = status
                await _pass_body(reader, writer, fields, until_end=status not in (204, 304))


async def _head(reader):
    """First line, fields by lower-case name, and the bytes of a message's head."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first, fields, head


async def _pass_body(reader, writer, fields, until_end):
    """Passes a body on: chunked, of a known length, or, if the fields do not tell, up to the connection's end."""
    if "chunked" in fields.get("transfer-encoding", "").lower():
        await _pass_chunks(reader, writer)
    elif "content-length" in fields:
        await _pass_bytes(reader, writer, int(fields["content-length"]))
    elif until_end:
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    await writer.drain()


async def _pass_chunks(reader, writer):
    while True:
        line = await reader.readuntil(b"\r\n")
        writer.write(line)
        n_bytes = int(line.split(b";")[0], 16)
        if n_bytes == 0:
            break
        await _pass_bytes(reader, writer, n_bytes + 2)
    # Trailers, and the empty line behind them.
    while line != b"\r\n":
        line = await reader.readuntil(b"\r\n")
        writer.write(line)


async def _pass_bytes(reader, writer, n_bytes):
    while n_bytes:
        piece = await reader.read(min(n_bytes, PIECE_BYTES))
        if not piece:
            raise asyncio.IncompleteReadError(b"", n_bytes)
        n_bytes -= len(piece)
        writer.write(piece)
        await writer.drain()
