"""What a message says, as far as it can be told without doubt: thanks, a greeting, nothing, or something else; pure.

A message counts as thanks only if every word of it belongs to a known phrase of thanks or confirmation. So a question,
a negation, a "but", a name, a number or an unknown word makes it `other`. English, German, French and Spanish.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import unescape

__all__ = ["LONGEST", "classify", "strip_html"]

LONGEST = 12
"""Words beyond which a message is never just thanks or a greeting."""

_MOST_SIGNS = 160

_FOR = r"(?: for (?:the|your)(?: quick| fast)? (?:help|reply|answer|support))?"
_FUER = r"(?: für (?:die|ihre|eure|deine) (?:schnelle )?(?:hilfe|antwort|unterstützung))?"
_THANKS = (
    # English
    rf"(?:many )?thanks(?: (?:so much|very much|a lot|again|a million))?{_FOR}",
    rf"thank you(?: (?:so|very) much)?(?: again)?{_FOR}",
    r"thx|ty|cheers|much appreciated|i appreciate (?:it|your help)",
    # German
    rf"(?:vielen|herzlichen|besten|tausend|lieben) dank(?: (?:nochmal|nochmals))?{_FUER}",
    rf"danke(?: (?:schön|sehr|vielmals|nochmal|nochmals))?{_FUER}",
    r"dankeschön|merci vielmals|ich danke (?:ihnen|euch|dir)",
    # French
    r"(?:un grand )?merci(?: (?:beaucoup|bien|infiniment|encore|à vous))?(?: pour (?:votre|l) ?(?:aide|réponse))?",
    r"je vous remercie",
    # Spanish
    r"(?:muchas|muchísimas|mil) gracias(?: (?:de nuevo|a ustedes))?(?: por (?:la|su|tu) (?:ayuda|respuesta))?",
    r"gracias(?: de nuevo)?(?: por (?:la|su|tu) (?:ayuda|respuesta))?|te lo agradezco|se lo agradezco",
)
_CONFIRMATION = (
    # "That works" alone agrees to a proposal as often as it reports a success.
    r"(?:that|it|this) (?:worked|works (?:now|perfectly|great|fine))|it works|(?:that|this) did it",
    r"(?:that|it|this) (?:has )?(?:helped|solved it|fixed it|did the trick|solved (?:the|my) (?:problem|issue))",
    r"(?:(?:it|everything|all) (?:is )?)?(?:working|works) (?:now|fine now)",
    r"(?:the )?(?:problem|issue) (?:is |has been )?(?:solved|fixed|resolved)(?: now)?",
    r"(?:(?:das |es |alles )?hat |(?:hat )?jetzt )(?:geklappt|funktioniert|geholfen)",
    r"(?:(?:das|es|alles|jetzt) )?(?:klappt|funktioniert|geht) (?:jetzt|nun)(?: wieder)?(?: alles)?",
    r"(?:das )?problem (?:ist )?(?:gelöst|behoben)",
    r"(?:ça|cela) (?:marche|fonctionne) maintenant|(?:ça|cela) a (?:marché|fonctionné)",
    r"(?:le )?problème (?:est )?résolu",
    r"ya funciona|funcionó|funciona ahora",
    r"(?:el )?problema (?:está )?(?:resuelto|solucionado)|ya está (?:resuelto|solucionado)",
)
_GREETING = (
    r"hi(?: there| all| team)?|hello(?: there| all| team)?|hey(?: there)?|good (?:morning|afternoon|evening|day)",
    r"hallo(?: zusammen| team)?|guten (?:morgen|tag|abend)|moin(?: moin)?|servus|grüß gott|grüezi",
    r"bonjour|bonsoir|salut",
    r"hola|buenos días|buenas(?: tardes| noches)?",
)
# No "yes": it may agree to something that is still to be done.
_FILLER = (
    r"ok|okay|great|perfect|awesome|super|wonderful|excellent|brilliant|and",
    r"prima|perfekt|toll|klasse|wunderbar|und|alles klar",
    r"parfait|génial|et|d accord",
    r"perfecto|genial|excelente|y|vale",
    r"(?:kind|best|warm) regards|regards|viele grüße|liebe grüße|mit freundlichen grüßen|lg|vg|cordialement|saludos",
)


def _phrases(*groups: tuple[str, ...]) -> str:
    return "|".join(phrase for group in groups for phrase in group)


_IS_CORE = _phrases(_THANKS, _CONFIRMATION)
_ONLY_THANKS = re.compile(rf"(?:(?:{_phrases(_THANKS, _CONFIRMATION, _FILLER, _GREETING)}) )+")
_ANY_THANKS = re.compile(rf"(?:^| )(?:{_IS_CORE}) ")
_ONLY_GREETING = re.compile(rf"(?:(?:{_phrases(_GREETING)}) )+")

_SMILEYS = re.compile(r"(?<!\S)[:;]-?[)D](?!\S)|(?<!\S)\^\^(?!\S)")
_GLAD = frozenset("👍🙏😊🙂😀😃😄😁🎉💯✅👌🤝❤☺")
_SHADES = frozenset("\u200d\ufe0e\ufe0f🏻🏼🏽🏾🏿")
_MARKS = frozenset(".,!;-\u2013\u2014'\u2019\"\u201c\u201d\u201e…¡")
_TAG = re.compile(r"<[^<>]*>")


def classify(text: str | None) -> str | None:
    """Give `thanks`, `greeting`, `empty` or `other`; None when there is no text, which is not the same as an empty one.

    When in doubt it is `other`. The same text gives the same word always.

    Args:
        text: A message without markup.

    Example:
        >>> classify("Danke, hat geklappt!"), classify("Thanks, but it still fails"), classify("hi"), classify(" ")
        ('thanks', 'other', 'greeting', 'empty')
    """
    if text is None:
        return None
    if len(text) > _MOST_SIGNS:
        return "other" if _visible(text) else "empty"
    return _short(text)


@lru_cache(maxsize=4096)
def _short(text: str) -> str:
    text = unescape(text)
    if not _visible(text):
        return "empty"
    words = _words(text)
    if words is None or not 0 < len(words) <= LONGEST:
        return "other"
    line = " ".join(words) + " "
    if _ONLY_GREETING.fullmatch(line):
        return "greeting"
    return "thanks" if _ONLY_THANKS.fullmatch(line) and _ANY_THANKS.search(line) else "other"


def strip_html(markup: str) -> str:
    """Give the text of a piece of HTML, roughly: without its tags."""
    return unescape(_TAG.sub(" ", markup))


def _visible(text: str) -> bool:
    """Tell whether a text says anything: a letter or a digit; a dot or a thumb alone is no answer."""
    return any(sign.isalnum() for sign in text)


def _words(text: str) -> list[str] | None:
    """Give the words of a text in lower case; None if it holds a sign that neither word nor plain punctuation has."""
    kept = []
    for sign in _SMILEYS.sub(" ", unicodedata.normalize("NFC", text)):
        if sign.isalpha():
            kept.append(sign.lower())
        elif sign.isspace() or sign in _MARKS or sign in _GLAD or sign in _SHADES:
            kept.append(" ")
        else:
            return None
    return "".join(kept).split()
