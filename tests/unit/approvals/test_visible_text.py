"""Nothing that hides or pretends stays unseen; ordinary text of any language stays as it is."""

import unicodedata

import pytest

from approvals.visible_text import Mark, is_plain, notes, pieces

HIDDEN_ALONE = [
    *(chr(point) for point in range(0x200B, 0x2010)),  # zero width, joiners, left/right marks
    *(chr(point) for point in range(0x202A, 0x202F)),  # embeddings and overrides
    *(chr(point) for point in range(0x2060, 0x206A)),  # word joiner, invisible operators, isolates
    *(chr(point) for point in range(0xFE00, 0xFE10)),  # variation selectors
    *(chr(point) for point in range(0xE0041, 0xE005B)),  # tag letters
    *(chr(point) for point in range(0xE0100, 0xE0108)),  # variation selectors supplement
    *"\u00ad\u034f\u061c\u070f\u115f\u1160\u17b4\u17b5\u180b\u180e\u2800\u3164\ufeff\uffa0\ufff9\ufffa\U0001d159",
    *"\x00\x07\x08\x0b\x0c\x1b\x7f\x85\x9b\u2028\u2029",
    *"\u00a0\u1680\u2000\u2003\u2009\u202f\u205f\u3000",
    *"\ue000\U000f0000\U0010fffd\ufdd0",
]
PRETENDING = [
    "раураl.com",  # Cyrillic with one Latin letter
    "Рayment",
    "асе",  # all Cyrillic, reads as Latin
    "ΜΙΚΕ",  # all Greek, reads as Latin
    "gооgle",
    "Müllеr",
    "ＩＢＡＮ",
    "𝐩𝐚𝐲 me",
    "𝓟ay",
    "ⓟay",
    "ﬁnance",
    "аdmin",
    "Ꮯlaude",
    "x\u0300\u0301\u0302\u0303\u0304",
    "a\n\n\n\n\n\n\n\nb",
    "a" + " " * 200 + "b",
    "a" + "\t" * 40 + "b",
]
ORDINARY = [
    "Refund €640.00 to Customer 1042, please.",
    "Müller & Söhne, Straße 5, 40 m², ½ Preis, naïve café, señor",
    "Привет, верните деньги за заказ",
    "Καλημέρα σας",
    "שלום, אני רוצה החזר",
    "مرحبا، أريد استرداد المبلغ",
    "您好，请退款 640 元",
    "こんにちは、返金してください",
    "नमस्ते",
    "👍 ok ❤️ 👨‍👩‍👧 🇩🇪",
    "line one\nline two\n\nline four",
    "a  b\tc",
    "<script>alert(1)</script> & \"quotes\" 'too'",
    "e\u0301 decomposed",
]


@pytest.mark.parametrize("char", HIDDEN_ALONE, ids=lambda char: f"U+{ord(char):04X}")
def test_a_hidden_character_is_shown_as_its_code_point(char):
    marked = [piece for piece in pieces(f"pay{char}me") if piece.mark is not Mark.PLAIN]
    assert any(f"U+{ord(char):04X}" in piece.shown + piece.note for piece in marked)


def test_the_corpus_is_large_enough():
    assert len(HIDDEN_ALONE) + len(PRETENDING) >= 120


@pytest.mark.parametrize("text", PRETENDING, ids=ascii)
def test_text_that_pretends_is_flagged_with_a_reason(text):
    assert not is_plain(text)
    assert notes(text)


@pytest.mark.parametrize("text", ORDINARY, ids=ascii)
def test_ordinary_text_of_any_language_stays_as_it_is(text):
    assert is_plain(text), notes(text)
    assert "".join(piece.shown for piece in pieces(text)) == text


@pytest.mark.parametrize("text", [*PRETENDING, *ORDINARY, *(f"a{char}b" for char in HIDDEN_ALONE)], ids=ascii)
def test_the_pieces_give_the_text_back(text):
    assert "".join(piece.source for piece in pieces(text)) == text


def test_a_gap_says_how_much_is_in_it():
    assert [piece.shown for piece in pieces("a" + "\n" * 4001 + "b")] == ["a", "4,000 empty lines", "b"]


def test_an_escape_sequence_of_a_terminal_loses_its_escape():
    shown = "".join(piece.shown for piece in pieces("\x1b[31mred\x1b[0m"))
    assert "\x1b" not in shown and "U+001B" in shown


def test_no_control_or_format_character_is_ever_drawn():
    everything = "".join(chr(point) for point in range(0x3000) if not 0xD800 <= point < 0xE000)
    drawn = "".join(piece.shown for piece in pieces(everything))
    left = {char for char in drawn if unicodedata.category(char) in {"Cc", "Cf", "Co", "Cn"}} - {"\n", "\t"}
    assert left == set()
