"""Workbooks that nobody should open: made in a moment, however large they are once unpacked."""

import io
import struct
import zipfile
import zlib

from tests.imports import BOOK, SHEET, SHEET_HEAD, SHEET_TAIL, sheet_of, text_cell

BLOCK = 1 << 20
GIGABYTES = 3

# Two cells, which a reader that holds a sheet as a table takes for seventeen thousand million.
ALL_CORNERS = sheet_of([text_cell("A1", "Бренд")]).replace(
    "</row>", f'</row><row r="1048576">{text_cell("XFD1048576", "x")}</row>'
)


def huge_by_its_directory() -> bytes:
    """A sheet of gigabytes, and the zip says so."""
    return _book(*_huge_sheet(), told_bytes=None)


def huge_in_secret() -> bytes:
    """A sheet of gigabytes that calls itself small."""
    return _book(*_huge_sheet(), told_bytes=1000)


def _huge_sheet() -> tuple[bytes, int]:
    """A deflate stream and its unpacked size: one block of rows, compressed once and repeated."""
    row = "<row>" + '<c t="inlineStr"><is><t>x</t></is></c>' * 40 + "</row>"
    block = row.encode() * (BLOCK // len(row))
    times = GIGABYTES * (1 << 30) // len(block)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packer.compress(SHEET_HEAD.encode()) + packer.flush(zlib.Z_FULL_FLUSH)
    middle = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    tail = packer.compress(SHEET_TAIL.encode()) + packer.flush()
    return head + middle * times + tail, len(SHEET_HEAD) + len(block) * times + len(SHEET_TAIL)


def _book(packed: bytes, unpacked: int, told_bytes: int | None) -> bytes:
    """A zip with the usual parts and this sheet, written by hand: zipfile would count what it packs."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, part in BOOK.items():
            archive.writestr(name, part)
        archive.writestr(SHEET, packed)  # stored: the two numbers that say otherwise are changed below
    return _as_deflated(content.getvalue(), len(packed), unpacked if told_bytes is None else told_bytes)


def _as_deflated(archive: bytes, packed: int, unpacked: int) -> bytes:
    """The zip, with the sheet's method and unpacked size in its local header and in the directory."""
    changed = bytearray(archive)
    name = SHEET.encode()
    for signature, at_method, at_size, at_name in ((b"PK\3\4", 8, 22, 30), (b"PK\1\2", 10, 24, 46)):
        at = next(at for at in _found(archive, signature) if archive[at + at_name : at + at_name + len(name)] == name)
        assert struct.unpack_from("<I", archive, at + at_size)[0] == packed
        struct.pack_into("<H", changed, at + at_method, zipfile.ZIP_DEFLATED)
        struct.pack_into("<I", changed, at + at_size, unpacked)
    return bytes(changed)


def _found(text: bytes, what: bytes) -> list[int]:
    places, at = [], text.find(what)
    while at >= 0:
        places.append(at)
        at = text.find(what, at + 1)
    return places


# ---------------------------------------------------------------------------- compound files, as old Excel wrote them
SECTOR = 512
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def old_binary_garbage() -> bytes:
    """The first bytes of an old workbook, and noise."""
    return bytes.fromhex("d0cf11e0a1b11ae1") + b"\x17" * 5000


def encrypted() -> bytes:
    """What Excel saves with a password: a compound file of EncryptionInfo and EncryptedPackage (MS-OFFCRYPTO)."""
    streams = {"EncryptionInfo": b"\4\0\4\0\x40\0\0\0" + b" " * 4088, "EncryptedPackage": bytes(4096)}
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack(
        "<HHHHHHIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, 1, 0, 4096, END, 0, END, 0
    )  # fmt: skip
    header += struct.pack("<I", 0) + struct.pack("<I", FREE) * 108
    chains, entries = [TABLE, END], [_entry("Root Entry", 5, END, 0, child=1)]
    for number, (name, content) in enumerate(streams.items(), 1):
        first, sectors = len(chains), len(content) // SECTOR
        chains += [*range(first + 1, first + sectors), END]
        entries.append(_entry(name, 2, first, len(content), right=2 if number == 1 else FREE))
    table = struct.pack(f"<{SECTOR // 4}I", *chains, *[FREE] * (SECTOR // 4 - len(chains)))
    directory = b"".join(entries).ljust(SECTOR, b"\0")
    return header + table + directory + b"".join(streams.values())


def _entry(name: str, kind: int, first: int, size: int, right: int = FREE, child: int = FREE) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    return text.ljust(64, b"\0") + struct.pack(
        "<HBBIII16sIQQIQ", len(text), kind, 1, FREE, right, child, b"", 0, 0, 0, first, size
    )
