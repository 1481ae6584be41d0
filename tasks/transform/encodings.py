"""Tells in which of the encodings from before Unicode a text is, by its words that are not ASCII.

Three witnesses are added up as logarithms of likelihoods: how usual the letters are in the languages that the encoding
was made for, whether the words are ones that somebody could have written, and chardet's models of pairs of letters.
Measured on CSV made of CLDR's names in 35 languages and 30 encodings, against chardet, charset-normalizer, chardetng
and uchardet alone: those read 12 to 45 % of the files wrongly and refuse none.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from itertools import islice
from types import MappingProxyType
from typing import BinaryIO

from workflow.units import MIB

_PIECE_BYTES = MIB
_MAX_WORDS = 2000
_WORD = re.compile(rb"[\x40-\x7f]*(?:(?:[\x81-\xfe][0-9]){2}|[\x80-\xff])(?:(?:[\x81-\xfe][0-9]){2}|[\x40-\xff])*")
"""In GB18030, digits may be the second and the fourth byte of a letter."""
_BETWEEN_WORDS = re.compile(r"[\x00-@\[-`{-~]+")

_WEST, _CENTRE, _BALTIC = "de fr es pt it nl sv da fi is ca", "pl cs sk hu ro hr de", "lt lv et"


@dataclass(frozen=True)
class _Encoding:
    """How people call it, the languages that it was made for, and the logarithm of how rare it is."""

    label: str
    languages: str
    rarity: float


_ENCODINGS = MappingProxyType(
    {
        "cp1252": _Encoding("Windows-1252", _WEST, 0),
        "cp1250": _Encoding("Windows-1250", _CENTRE, -1),
        "cp1251": _Encoding("Windows-1251", "ru uk bg sr", -0.5),
        "cp1253": _Encoding("Windows-1253", "el", -0.5),
        "cp1254": _Encoding("Windows-1254", "tr", -1),
        "cp1255": _Encoding("Windows-1255", "he", -1),
        "cp1256": _Encoding("Windows-1256", "ar", -1),
        "cp1257": _Encoding("Windows-1257", _BALTIC, -1.2),
        "cp1258": _Encoding("Windows-1258", "", -6),
        "cp874": _Encoding("Windows-874", "", -6),
        "iso8859-2": _Encoding("ISO-8859-2", _CENTRE, -1.5),
        "iso8859-4": _Encoding("ISO-8859-4", _BALTIC, -3),
        "iso8859-5": _Encoding("ISO-8859-5", "ru bg sr", -2),
        "iso8859-6": _Encoding("ISO-8859-6", "ar", -2),
        "iso8859-7": _Encoding("ISO-8859-7", "el", -1),
        "iso8859-9": _Encoding("ISO-8859-9", "tr", -1.3),
        "iso8859-10": _Encoding("ISO-8859-10", "sv da fi is et", -4),
        "iso8859-13": _Encoding("ISO-8859-13", _BALTIC, -2),
        "iso8859-15": _Encoding("ISO-8859-15", f"{_WEST} et", -1),
        "koi8-r": _Encoding("KOI8-R", "ru", -1.5),
        "koi8-u": _Encoding("KOI8-U", "uk ru", -1.7),
        "cp437": _Encoding("IBM437", "de fr es it nl sv fi ca", -2.5),
        "cp737": _Encoding("IBM737", "el", -3),
        "cp775": _Encoding("IBM775", _BALTIC, -3),
        "cp850": _Encoding("IBM850", _WEST, -2),
        "cp852": _Encoding("IBM852", _CENTRE, -2.5),
        "cp857": _Encoding("IBM857", "tr", -3),
        "cp861": _Encoding("IBM861", "is", -4),
        "cp865": _Encoding("IBM865", "da", -3),
        "cp866": _Encoding("IBM866", "ru", -1.5),
        "mac-roman": _Encoding("Mac Roman", _WEST, -2.5),
        "mac-cyrillic": _Encoding("Mac Cyrillic", "ru bg", -3),
        "mac-latin2": _Encoding("Mac Central European", _CENTRE, -3.5),
        "mac-turkish": _Encoding("Mac Turkish", "tr", -3.5),
        "cp932": _Encoding("Shift-JIS", "", -1),
        "euc-jp": _Encoding("EUC-JP", "", -2),
        "gb18030": _Encoding("GB18030", "", -1),
        "big5hkscs": _Encoding("Big5", "", -1.2),
        "cp949": _Encoding("cp949", "", -1),
    }
)

_ALPHABETS = MappingProxyType(
    {
        "de": "üäöß",
        "fr": "éèàêçôîâûëïùœüæ",
        "es": "óíáéñúü",
        "pt": "ãçáéíóâêõúà",
        "it": "àèùòéì",
        "nl": "ëéïèöü",
        "sv": "äåöé",
        "da": "øåæéò",
        "fi": "äöåšž",
        "is": "áíðóéúöæþý",
        "ca": "óàèéíçòúïü",
        "pl": "łóążśęćńź",
        "cs": "íáéěýčřšžůúňťóď",
        "sk": "áíýčéšžľúťňôóäďĺŕ",
        "hu": "áéíöóőüúű",
        "ro": "ăîâțșşţ",
        "hr": "čšžćđ",
        "tr": "ışüöçğâ",
        "lt": "ėšųžįūčąę",
        "lv": "āīēšūņļžčķģ",
        "et": "äõüöšž",
        "ru": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
        "uk": "оаинветірслкдмупзьягбчхїжйцюєщшфґ",
        "bg": "аоиетнрсвлкдпмзгъбчуяжцщшйхюфь",
        "sr": "аоиенрсјтукдвлмпзгбчшцжћхљњђфџ",
        "el": "αοιετσνηυρπκλμωςγδχθφβξζψάέήίόύώϊϋ",
        "he": "יוהלארבתמשנדקםעחפגצטזסכןץךף",
        "ar": "اليوتنرمسبةدعفكقحجطخصضزشثهغذظءأإآئؤىپچگکی",
    }
)
"""The letters of a language that are not ASCII, the most usual ones first."""

_OTHER_ALPHABETS = frozenset({"ru", "uk", "bg", "sr", "el", "he", "ar"})
_STRANGE_LETTER, _SIGN, _USUAL_SIGN, _ASCII = math.log(0.0001), math.log(1 / 100), math.log(1 / 15), math.log(1 / 26)
_USUAL_SIGNS = frozenset("“”‘’„–—…€£°²³µ«»®™§½\u00a0")
_UNUSED_SIGNS = frozenset("¤¦¨¬¯¸")
"""Nobody writes them: where they seem to be, there is something else in another encoding."""
_PAIRS_WEIGHT, _MAX_PAIR_WORDS, _LEAST_SHARE = 1.5, 30, 0.01
_NEEDED_LEAD, _UNUSUAL = 4.0, -2.0
_FEW_STRANGE = 0.1
_APOSTROPHES, _BULLETS = "’‘'´`", "¶§†‡•‰¿¡"
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI")
_ASIAN_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "HALFWIDTH", "FULLWIDTH", "HANGUL", "IDEOGRAPHIC", "BOPOMOFO")
_HANGUL, _KANA, _HALF_KANA = (0xAC00, 0xD7A3), (0x3040, 0x30FF), (0xFF61, 0xFF9F)
_HAN, _WIDE, _CJK_SIGNS = (0x4E00, 0x9FFF), (0xFF00, 0xFF5E), (0x3000, 0x303F)
_THAI, _THAI_CONSONANTS = (0x0E00, 0x0E7F), (0x0E01, 0x0E2E)


@dataclass(frozen=True)
class Told:
    """An encoding, how sure that is (0 to 1), and the next best one that would give other letters, "" for none."""

    encoding: str
    sureness: float
    rival: str

    @property
    def is_sure(self) -> bool:
        return self.sureness >= 1 / (1 + math.exp(-_NEEDED_LEAD))

    @property
    def note(self) -> str:
        other = f"next best is {label(self.rival)}" if self.rival else "no other fits"
        return f"read as {label(self.encoding)}: {self.sureness:.1%} sure, {other}"


@dataclass(frozen=True)
class _Reading:
    likelihood: float
    encoding: str
    text: str

    @property
    def fit(self) -> float:
        """1 where nearly all words could have been written so, else their share: none of the encodings may be right."""
        words = _words_beyond_ascii(self.text)
        share = sum(map(_is_plausible, words)) / (len(words) or 1)
        return 1 if share >= 1 - _FEW_STRANGE else share


def label(encoding: str) -> str:
    """As people call it."""
    return _ENCODINGS[encoding].label if encoding in _ENCODINGS else encoding


def tell_encoding(file: BinaryIO, *, usual: AbstractSet[str] = frozenset(), unusual_signs: str = "") -> Told | None:
    """The most likely encoding of those that can read every byte of the file; None if there is none.

    `usual` are encodings that are more likely than others where the text is from; it hardly has `unusual_signs`.
    """
    words = list(islice(_words(file), _MAX_WORDS))
    likely = sorted(_readings(words, usual, unusual_signs), key=lambda reading: -reading.likelihood)
    decodable = (reading for reading in likely if _decodes(file, reading.encoding))
    best = next(decodable, None)
    if best is None:
        return None
    rival = next((reading for reading in decodable if reading.text != best.text), None)
    lead = best.likelihood - rival.likelihood if rival else math.inf
    return Told(best.encoding, best.fit / (1 + math.exp(-lead)), rival.encoding if rival else "")


def _words(file: BinaryIO) -> Iterator[bytes]:
    """Words with bytes beyond ASCII, each once, from all of the file; one that a piece cuts is taken as two."""
    seen: set[bytes] = set()
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        for line in piece.splitlines() if not piece.isascii() else ():
            for word in _WORD.findall(line):
                if word not in seen:
                    seen.add(word)
                    yield word


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while piece := file.read(_PIECE_BYTES):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _readings(words: Sequence[bytes], usual: AbstractSet[str], unusual_signs: str) -> Iterator[_Reading]:
    pairs = _likelihoods_of_pairs(words)
    for name, encoding in _ENCODINGS.items():
        try:
            text = "\n".join(word.decode(name) for word in words)
        except UnicodeDecodeError:
            continue
        likelihood = _likelihood_of_letters(name, text) + pairs[name]
        likelihood += 0 if name in usual else encoding.rarity + (_UNUSUAL if usual else 0)
        likelihood += sum(text.count(sign) for sign in unusual_signs) * _SIGN
        yield _Reading(likelihood, name, text)


def _likelihoods_of_pairs(words: Sequence[bytes]) -> dict[str, float]:
    """What chardet says, beside the encoding that it holds for the best."""
    import chardet  # noqa: PLC0415 - 60 ms that nearly no file needs

    answers = chardet.detect_all(
        b" ".join(words), ignore_threshold=True, include_encodings=list(_ENCODINGS), compat_names=False
    )
    found = {answer["encoding"]: answer["confidence"] for answer in answers}
    most, weight = max(found.values(), default=0) or 1, _PAIRS_WEIGHT * min(len(words), _MAX_PAIR_WORDS)
    return {name: weight * math.log(max(found.get(name, 0) / most, _LEAST_SHARE)) for name in _ENCODINGS}


def _likelihood_of_letters(encoding: str, text: str) -> float:
    words = _words_beyond_ascii(text)
    plausible = [word for word in words if _is_plausible(word)]
    letters = Counter(letter.lower() for word in plausible for letter in word if _is_letter(letter))
    strange = sum(len(_beyond_ascii(word)) for word in words) - sum(len(_beyond_ascii(word)) for word in plausible)
    languages = _ENCODINGS[encoding].languages.split()
    if _OTHER_ALPHABETS & {*languages} and sum(len(word) == 1 for word in words) * 2 > len(words):
        strange += len(words)  # letters of another alphabet seldom stand alone
    if languages:
        likely = max(_sum(letters, _model(language)) for language in languages)
    else:
        likely = sum(count * _likelihood_in_asia(letter, encoding) for letter, count in letters.items())
        if encoding == "cp874" and not _has_consonants(letters):
            likely = letters.total() * _STRANGE_LETTER
    signs = [sign for word in plausible for sign in _beyond_ascii(word) if not _is_letter(sign)]
    plain = sum(letter.isascii() for word in words for letter in word)
    return likely + sum(map(_likelihood_of_sign, signs)) + strange * _STRANGE_LETTER + plain * _ASCII


def _likelihood_of_sign(sign: str) -> float:
    if sign in _UNUSED_SIGNS:
        return _STRANGE_LETTER
    return _USUAL_SIGN if sign in _USUAL_SIGNS else _SIGN


def _words_beyond_ascii(text: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(text) if not word.isascii()]


def _beyond_ascii(word: str) -> str:
    return "".join(letter for letter in word if not letter.isascii())


def _is_letter(letter: str) -> bool:
    return not letter.isascii() and unicodedata.category(letter)[0] in "LM"


def _sum(letters: Counter[str], model: dict[str, float]) -> float:
    return sum(count * model.get(letter, _STRANGE_LETTER) for letter, count in letters.items())


@cache
def _model(language: str) -> dict[str, float]:
    """Frequencies fall with the rank of a letter, about as Zipf says."""
    weights = [1 / (rank + 1.5) for rank in range(len(_ALPHABETS[language]))]
    return {
        letter: math.log(weight / sum(weights)) for letter, weight in zip(_ALPHABETS[language], weights, strict=True)
    }


def _is_in(letter: str, span: tuple[int, int]) -> bool:
    return span[0] <= ord(letter) <= span[1]


def _likelihood_in_asia(letter: str, encoding: str) -> float:
    """Kana belong to Japanese alone, Hangul to Korean: the encodings of the neighbours have them, too."""
    is_japanese = encoding in {"cp932", "euc-jp"}
    shares = (
        (_KANA, 1 / 180 if is_japanese else 0),
        (_HANGUL, 1 / 2500 if encoding == "cp949" else 0),
        (_HALF_KANA, 1 / 300 if encoding == "cp932" else 0),
        (_HAN, 1 / 2500),
        (_WIDE, 1 / 400),
        (_CJK_SIGNS, 1 / 400),
        (_THAI, 1 / 60 if encoding == "cp874" else 0),
    )
    share = next((share for span, share in shares if _is_in(letter, span)), 1 / 60 if encoding == "cp1258" else 0)
    return math.log(share) if share else 1.5 * _STRANGE_LETTER


def _has_consonants(letters: Counter[str]) -> bool:
    consonants = sum(count for letter, count in letters.items() if _is_in(letter, _THAI_CONSONANTS))
    return consonants * 3 > letters.total()


@cache
def _script(letter: str) -> str:
    if letter.isascii():
        return "LATIN" if letter.isalpha() else ""
    if unicodedata.category(letter)[0] != "L":
        return ""
    name = unicodedata.name(letter, "")
    if name.startswith(_ASIAN_SCRIPTS):
        return "ASIAN"
    return next((script for script in _SCRIPTS if name.startswith(script)), "other")


def _is_plausible(word: str) -> bool:
    """Whether somebody could have written it: one script, capitals where they belong, no signs among letters."""
    scripts = {_script(letter) for letter in word} - {"", "ASIAN"}
    if len(scripts) > 1 or "other" in scripts:
        return False
    around = f" {word} "
    return all(
        _fits(around[at - 1], letter, around[at + 1]) for at, letter in enumerate(around) if not letter.isascii()
    )


def _fits(before: str, letter: str, after: str) -> bool:
    """A letter, a mark or a sign between what is before and after it."""
    kind = unicodedata.category(letter)
    if kind[0] in "LM":
        return _letter_fits(before, letter, after)
    if letter in _APOSTROPHES:
        return before != " " or not _script(after)
    if kind == "No" and _script(before) == "LATIN":
        return not _script(after)  # m²
    next_to_letters = bool(_script(before)) + bool(_script(after))
    if kind[0] == "S" or kind == "No" or letter in _BULLETS:
        return not next_to_letters and not any(unicodedata.category(each)[0] in "SN" for each in (before, after))
    return kind[0] != "C" and next_to_letters < 2  # noqa: PLR2004 - both sides


def _letter_fits(before: str, letter: str, after: str) -> bool:
    kind = unicodedata.category(letter)
    if kind == "Lu":
        return unicodedata.category(before) != "Ll"
    if kind == "Ll":
        return unicodedata.category(before) != "Lu" or unicodedata.category(after) != "Lu"
    is_ordinal = kind == "Lo" and _script(letter) == "LATIN"
    return not (is_ordinal and (_script(before) or _script(after)))
