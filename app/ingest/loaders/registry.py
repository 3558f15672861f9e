"""Maps files to loaders. A new format is one loader and one entry here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from app.ingest.loaders.asciidoc import load_asciidoc
from app.ingest.loaders.decoding import doubtful_encoding
from app.ingest.loaders.json_records import load_json, load_json_lines
from app.ingest.loaders.markdown import load_markdown
from app.ingest.loaders.members import Member, Unpack, load_zip, zip_members
from app.ingest.loaders.notebook import load_notebook
from app.ingest.loaders.org_document import load_org
from app.ingest.loaders.plain_text import load_text
from app.ingest.loaders.separated_values import load_csv
from app.ingest.loaders.sniffing import binary_format, text_format
from app.ingest.loaders.source_code import load_code, load_log, load_settings, load_yaml
from app.ingest.loaders.srt_transcript import load_srt
from app.ingest.loaders.tex_document import load_tex
from app.ingest.loaders.webvtt_transcript import load_webvtt
from app.ingest.parsed_document import IngestError, ParsedDocument

MEGABYTE: Final = 2**20
MAX_FILE_BYTES: Final = 256 * MEGABYTE
MAX_TEXT_FILE_BYTES: Final = 32 * MEGABYTE  # the parsed tree takes many times the file size


@dataclass(frozen=True, slots=True)
class Loader:
    """`load` raises `IngestError`. `binary`: the format is recognised by content alone.

    `doubtful_encoding` returns the encoding when it is little more than a guess; None for formats
    that declare their encoding.
    """

    format: str
    suffixes: tuple[str, ...]
    media_type: str
    load: Callable[[bytes], ParsedDocument]
    binary: bool = False
    members: Unpack | None = None  # for files that contain files
    own_text: bool = True  # whether the file has text besides its members
    largest: int = MAX_TEXT_FILE_BYTES  # bytes
    doubtful_encoding: Callable[[bytes], str | None] | None = doubtful_encoding


def _rst(data: bytes) -> ParsedDocument:
    """Import the format's library with the first such file; the functions below do the same.

    Imported at start, these libraries would take a seventh of the start-up time.
    """
    from app.ingest.loaders.restructured_text import load_rst

    return load_rst(data)


def _html(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.html_page import load_html

    return load_html(data)


def _doubtful_html(data: bytes) -> str | None:
    from app.ingest.loaders.html_page import doubtful_html

    return doubtful_html(data)


def _pdf(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.pdf_document import load_pdf

    return load_pdf(data)


def _docx(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.word_document import load_docx

    return load_docx(data)


def _pptx(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.slides import load_pptx

    return load_pptx(data)


def _xlsx(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.spreadsheet import load_xlsx

    return load_xlsx(data)


def _doc(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.doc_document import load_doc

    return load_doc(data)


def _xls(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.xls_workbook import load_xls

    return load_xls(data)


def _ppt(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.ppt_slides import load_ppt

    return load_ppt(data)


def _epub(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.epub_book import load_epub

    return load_epub(data)


def _open_document(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.open_document import load_open_document

    return load_open_document(data)


def _xml(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.xml_document import load_xml

    return load_xml(data)


def _rtf(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.rich_text import load_rtf

    return load_rtf(data)


def _eml(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.mail import load_eml

    return load_eml(data)


def _eml_members(data: bytes) -> Iterator[Member]:
    from app.ingest.loaders.mail import eml_members

    return eml_members(data)


def _msg(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.outlook_message import load_msg

    return load_msg(data)


def _msg_members(data: bytes) -> Iterator[Member]:
    from app.ingest.loaders.outlook_message import msg_members

    return msg_members(data)


def _mbox(data: bytes) -> ParsedDocument:
    from app.ingest.loaders.mail import load_mbox

    return load_mbox(data)


def _mbox_members(data: bytes) -> Iterator[Member]:
    from app.ingest.loaders.mail import mbox_members

    return mbox_members(data)


_CODE: Final = (
    *(".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".java", ".kt", ".scala"),
    *(".go", ".rs", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".cs", ".m", ".swift"),
    *(".rb", ".php", ".pl", ".pm", ".lua", ".r", ".jl", ".dart", ".ex", ".exs", ".erl", ".hs"),
    *(".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".sql", ".proto", ".graphql", ".tf"),
    *(".css", ".scss", ".less", ".vue", ".svelte", ".groovy", ".gradle", ".cmake", ".f90"),
)
_MAX_MAIL: Final = 64 * MEGABYTE
_MAX_OLD_OFFICE: Final = 128 * MEGABYTE
_NAMES_OF_PAGES: Final = ("doc", "xls")
"""Programs also give these extensions to HTML and XML meant for Office."""
_PLAIN: Final = "text/plain"
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
LOADERS: Final = (
    Loader("md", (".md", ".markdown"), "text/markdown", load_markdown),
    Loader("txt", (".txt", ".text"), _PLAIN, load_text),
    Loader("rst", (".rst", ".rest"), _PLAIN, _rst),
    Loader("adoc", (".adoc", ".asciidoc", ".asc"), _PLAIN, load_asciidoc),
    Loader("org", (".org",), _PLAIN, load_org),
    Loader("tex", (".tex", ".latex", ".ltx"), _PLAIN, load_tex),
    Loader(
        "html",
        (".html", ".htm", ".xhtml"),
        "text/html",
        _html,
        doubtful_encoding=_doubtful_html,
    ),
    Loader("pdf", (".pdf",), "application/pdf", _pdf, binary=True, largest=MAX_FILE_BYTES),
    Loader(
        "docx",
        (".docx", ".docm", ".dotx", ".dotm"),
        f"{_OFFICE}.wordprocessingml.document",
        _docx,
        binary=True,
        largest=MAX_FILE_BYTES,
    ),
    Loader(
        "pptx",
        (".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"),
        f"{_OFFICE}.presentationml.presentation",
        _pptx,
        binary=True,
        largest=MAX_FILE_BYTES,
    ),
    Loader(
        "xlsx",
        (".xlsx",),
        f"{_OFFICE}.spreadsheetml.sheet",
        _xlsx,
        binary=True,
        largest=MAX_FILE_BYTES,
    ),
    Loader(
        "doc", (".doc", ".dot"), "application/msword", _doc, binary=True, largest=_MAX_OLD_OFFICE
    ),
    Loader(
        "xls",
        (".xls", ".xlt"),
        "application/vnd.ms-excel",
        _xls,
        binary=True,
        largest=_MAX_OLD_OFFICE,
    ),
    Loader(
        "ppt",
        (".ppt", ".pps", ".pot"),
        "application/vnd.ms-powerpoint",
        _ppt,
        binary=True,
        largest=_MAX_OLD_OFFICE,
    ),
    Loader("csv", (".csv", ".tsv"), "text/csv", load_csv),
    Loader("epub", (".epub",), "application/epub+zip", _epub, binary=True, largest=MAX_FILE_BYTES),
    Loader(
        "odt",
        (".odt", ".ott", ".ods", ".ots", ".odp", ".otp", ".odg", ".sxw", ".sxc", ".sxi"),
        "application/vnd.oasis.opendocument.text",
        _open_document,
        binary=True,
        largest=MAX_FILE_BYTES,
    ),
    Loader(
        "fodt",
        (".fodt", ".fods", ".fodp", ".fodg"),
        "application/vnd.oasis.opendocument.text-flat-xml",
        _open_document,
        doubtful_encoding=None,
    ),
    Loader("vtt", (".vtt",), "text/vtt", load_webvtt),
    Loader("srt", (".srt",), "application/x-subrip", load_srt),
    Loader("json", (".json",), "application/json", load_json),
    Loader("jsonl", (".jsonl", ".ndjson"), "application/x-ndjson", load_json_lines),
    Loader("rtf", (".rtf",), "application/rtf", _rtf, largest=_MAX_MAIL, doubtful_encoding=None),
    Loader(
        "eml",
        (".eml",),
        "message/rfc822",
        _eml,
        members=_eml_members,
        largest=_MAX_MAIL,
        doubtful_encoding=None,
    ),
    Loader(
        "msg",
        (".msg", ".oft"),
        "application/vnd.ms-outlook",
        _msg,
        binary=True,
        members=_msg_members,
        largest=_MAX_MAIL,
    ),
    Loader(
        "mbox",
        (".mbox",),
        "application/mbox",
        _mbox,
        members=_mbox_members,
        largest=MAX_FILE_BYTES,
        doubtful_encoding=None,
    ),
    Loader(
        "zip",
        (".zip",),
        "application/zip",
        load_zip,
        binary=True,
        members=zip_members,
        own_text=False,
        largest=MAX_FILE_BYTES,
    ),
    Loader("ipynb", (".ipynb",), "application/x-ipynb+json", load_notebook),
    Loader(
        "xml",
        (".xml", ".rss", ".atom", ".xsd", ".wsdl", ".dita", ".plist"),
        "text/xml",
        _xml,
        doubtful_encoding=None,
    ),
    Loader("yaml", (".yaml", ".yml"), "application/yaml", load_yaml),
    Loader(
        "toml", (".toml", ".ini", ".cfg", ".conf", ".properties", ".env"), _PLAIN, load_settings
    ),
    Loader("log", (".log",), _PLAIN, load_log),
    Loader("py", _CODE, _PLAIN, load_code),
)
TRANSCRIPTS: Final = (".vtt", ".srt", ".json")
AUDIO: Final = {
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
}
"""Audio formats that may accompany a transcript of the same name."""


def loader_for(name: str, data: bytes) -> Loader:
    """Choose by clear content, then by the file extension, then by what the text looks like.

    Raises `IngestError` for unsupported files and for an extension that contradicts the content.
    """
    suffix = PurePath(name).suffix.lower()
    own = next((loader for loader in LOADERS if suffix in loader.suffixes), None)
    found = binary_format(data)
    # A book or Office file that is only a ZIP archive is damaged.
    if found and not (found == "zip" and own is not None and own.binary and own.format != found):
        return _by_format(found)
    for loader in LOADERS:
        if suffix in loader.suffixes:
            if loader.format in _NAMES_OF_PAGES and (found := text_format(data)):
                return _by_format(found)
            if loader.binary and data.strip():
                raise IngestError(f"this is not a {suffix} file, despite its name")
            return loader
    if suffix in AUDIO:
        raise IngestError(f"audio needs its transcript beside it ({PurePath(name).stem}.vtt)")
    if found := text_format(data):
        return _by_format(found)
    known = " ".join(loader.suffixes[0] for loader in LOADERS)
    raise IngestError(
        f"the file type {suffix or 'without extension'} is unknown; takes {known} and variants"
    )


def check_size(name: str, size: int, *, largest: int = MAX_FILE_BYTES) -> None:
    """Raise `IngestError` for a file larger than its format, or `largest` (bytes), allows."""
    suffix = PurePath(name).suffix.lower()
    own = next((loader.largest for loader in LOADERS if suffix in loader.suffixes), MAX_FILE_BYTES)
    limit = min(own, largest)
    if size > limit:
        raise IngestError(
            f"the file is {size / MEGABYTE:,.0f} MB; the limit is {limit / MEGABYTE:,.0f} MB"
        )


def _by_format(name: str) -> Loader:
    return next(loader for loader in LOADERS if loader.format == name)


def title_from(name: str) -> str:
    """A readable title from the file name, for files without a title."""
    stem = PurePath(name).stem
    words = stem.replace("_", " ").replace("-", " ").split()
    title = " ".join(words) or stem or name
    return title[:1].upper() + title[1:]
