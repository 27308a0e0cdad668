"""One request over HTTP/2 (RFC 9113), to see whether a server that offers it answers over it; only the status is read.

Clients in Go (Docker, containerd, skopeo) take HTTP/2 wherever it is offered.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from ctl.doctor.web import SECONDS, Server

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 1, 3, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 1, 1, 4, 8, 32
_GET, _HTTPS = b"\x82", b"\x87"
"""Entries of the static table (RFC 7541, appendix A)."""
_STATUS = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}
_DIGITS = {"00000": "0", "00001": "1", "00010": "2"} | {
    f"{0b011001 + number:06b}": str(number + 3) for number in range(7)
}
"""Huffman's code of each digit (RFC 7541, appendix B)."""


def offers(server: Server) -> bool:
    """Whether it takes HTTP/2 from a client that names it (ALPN). Raises OSError."""
    with server.handshake(_context(server)) as link:
        return link.selected_alpn_protocol() == "h2"


def status(server: Server, path: str) -> int:
    """The status of the answer to a GET.

    Raises:
        OSError: it does not answer in HTTP/2; says how it does instead.
    """
    with server.handshake(_context(server), SECONDS) as link:
        link.sendall(_PREFACE + _frame(_SETTINGS) + _request(server, path))
        for kind, flags, stream, content in _frames(link):
            if kind == _HEADERS and stream == 1:
                return _status_of(content, flags)
            if kind in (_RESET, _GOAWAY):
                raise ConnectionError(f"it ends the connection with error {content[-4:].hex()}")
            if kind in (_SETTINGS, _PING) and not flags & _ACK:
                link.sendall(_frame(kind, _ACK, content=content if kind == _PING else b""))
    raise ConnectionError("it ends the connection without an answer")


def _context(server: Server) -> ssl.SSLContext:
    """The certificate is judged elsewhere."""
    context = server.context(verify=False)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def _frame(kind: int, flags: int = 0, stream: int = 0, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def _request(server: Server, path: str) -> bytes:
    authority = server.parts.netloc.rpartition("@")[2]
    fields = _GET + _HTTPS + b"\x04" + _text(path) + b"\x01" + _text(authority) + b"\x0f\x2b" + _text("ctl")
    return _frame(_HEADERS, _END_STREAM | _END_HEADERS, 1, fields)


def _text(value: str) -> bytes:
    """A string as it is; its length in seven bits, and more of them where that is not enough."""
    raw, length = value.encode(), len(value.encode())
    if length < 0x7F:
        return bytes((length,)) + raw
    length -= 0x7F
    more = bytearray()
    while length >= 0x80:
        more.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes((0x7F, *more, length)) + raw


def _frames(link: ssl.SSLSocket) -> Iterator[tuple[int, int, int, bytes]]:
    """Type, flags, stream and content of each frame, until the other side ends the connection."""
    with link.makefile("rb") as reader:
        while len(head := reader.read(9)) == 9:
            if head.startswith(b"HTTP/"):
                raise ConnectionError(f"it answers in {head.decode(errors='replace').strip()}")
            yield (
                head[3],
                head[4],
                int.from_bytes(head[5:9], "big"),
                reader.read(int.from_bytes(head[:3], "big")),
            )


def _status_of(block: bytes, flags: int) -> int:
    try:
        return _status(block, flags)
    except (IndexError, KeyError, ValueError) as error:
        raise ConnectionError("what it answers is not HTTP/2") from error


def _status(block: bytes, flags: int) -> int:
    """The first field of an answer, which is its status (RFC 9113, 8.3.2)."""
    if flags & _PADDED:
        block = block[1:]
    if flags & _PRIORITY:
        block = block[5:]
    while block[0] & 0xE0 == 0x20:  # the size of the table of fields: an integer of one byte or more
        more = block[0] & 0x1F == 0x1F
        block = block[1:]
        while more:
            more, block = bool(block[0] & 0x80), block[1:]
    if block[0] & 0x80:
        return int(_STATUS[block[0] & 0x7F])
    raw = block[2 : 2 + (block[1] & 0x7F)]
    return int(_unpacked(raw) if block[1] & 0x80 else raw)


def _unpacked(raw: bytes) -> str:
    bits, word, found = "".join(f"{one:08b}" for one in raw), "", ""
    for bit in bits:
        word += bit
        if word in _DIGITS:
            found, word = found + _DIGITS[word], ""
    return found
