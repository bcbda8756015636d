"""Writes the seeds of FuzzTar: archives in the three forms that Python writes, and oddities of each header."""

from __future__ import annotations

import io
import pathlib
import tarfile

CORPUS = pathlib.Path(__file__).parent / "Corpus" / "FuzzTar"
LONG = "top/" + "n" * 90 + "/" + "m" * 90


def tar(form: int, *members: tuple[str, bytes, str, bytes], headers: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, pax_headers=headers) as file:
        for name, kind, link, data in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()[:4096]


def main() -> None:
    CORPUS.mkdir(parents=True, exist_ok=True)
    file, folder, link, hard = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    seeds = {
        "ustar": tar(tarfile.USTAR_FORMAT, ("top", folder, "", b""), (LONG, file, "", b"x" * 600)),
        "gnu": tar(tarfile.GNU_FORMAT, (LONG * 2, file, "", b"x"), ("l", link, LONG, b"")),
        "pax": tar(tarfile.PAX_FORMAT, (LONG * 2, file, "", b"x"), ("ü", link, "ö", b"")),
        "global": tar(tarfile.PAX_FORMAT, ("a", file, "", b"x"), headers={"comment": "c"}),
        "links": tar(tarfile.PAX_FORMAT, ("a", file, "", b"x"), ("h", hard, "a", b""), ("s", link, "../a", b"")),
        "device": tar(tarfile.USTAR_FORMAT, ("d", tarfile.CHRTYPE, "", b"")),
        "climbing": tar(tarfile.USTAR_FORMAT, ("a/../../b", file, "", b"x")),
        "cut": tar(tarfile.USTAR_FORMAT, ("a", file, "", b"x" * 600))[:700],
        "empty": tar(tarfile.USTAR_FORMAT)[:1024],
    }
    for name, data in seeds.items():
        (CORPUS / name).write_bytes(data)


if __name__ == "__main__":
    main()
