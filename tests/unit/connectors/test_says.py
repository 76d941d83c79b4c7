"""What a message says: thanks and greetings only where nothing else is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.connectors.says import LONGEST, classify, strip_html


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "thank you so much",
        "THANK YOU.",
        "that worked, thank you",
        "Great, it works now. Thanks for your quick help!",
        "Danke, hat geklappt",
        "Vielen Dank für Ihre schnelle Hilfe!",
        "Super, klappt jetzt, danke",
        "Merci beaucoup !",
        "Parfait, ça marche maintenant, merci",
        "¡Muchas gracias!",
        "Perfecto, ya funciona. Gracias por su ayuda",
        "Hi, thanks!",
        "thanks :)",
        "Thanks 👍🏼",
        "Thanks&nbsp;a lot",
        "The problem is solved",
        "That did it, thank you!",
    ],
)
def test_nothing_but_thanks(text):
    """A message that is thanks or confirmation and nothing else is `thanks`, in four languages."""
    assert classify(text) == "thanks"


@pytest.mark.parametrize(
    "text", ["Hi", "Hello there!", "Guten Tag", "Bonjour", "¡Hola, buenas tardes!", "Hallo zusammen,"]
)
def test_nothing_but_a_greeting(text):
    """A message that only greets is `greeting`."""
    assert classify(text) == "greeting"


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b\u00a0", "&nbsp;", " \ufeff" * 300])
def test_nothing_that_can_be_seen(text):
    """White space and signs that cannot be seen are `empty`."""
    assert classify(text) == "empty"


@pytest.mark.parametrize(
    "text",
    [
        "Thanks?",
        "Thanks, but it still fails",
        "Danke, aber es geht nicht",
        "Merci mais non",
        "Gracias pero no funciona",
        "no thanks",
        "not working",
        "it does not work, thanks",
        "thanks for nothing",
        "Yes, thanks",
        "That works",
        "ok",
        "Perfect",
        "Thanks, Anna",
        "Thanks, order 4711",
        "thanks :(",
        "thanks 👎",
        "danke " * (LONGEST + 1),
        "Thanks! " * 60,
        "Thanks <b>now</b>",
        "Ich bin Dankeschön",
        "¿Gracias",
    ],
)
def test_in_doubt_it_is_other(text):
    """A question, a negation, a "but", a name, a number, too many words or an unknown sign make it `other`."""
    assert classify(text) == "other"


def test_no_text_is_not_empty():
    """Where there is no text at all, nothing is said about it."""
    assert classify(None) is None


@given(st.text(max_size=500))
def test_any_text_gets_one_word_and_always_the_same(text):
    """No text is an error, and the answer does not change."""
    assert classify(text) in {"thanks", "greeting", "empty", "other"}
    assert classify(text) == classify(text)


@given(
    st.sampled_from(["thanks", "danke", "merci", "gracias"]),
    st.text(st.characters(categories=["Ll", "Nd"]), min_size=12),
)
def test_an_unknown_word_never_passes_as_thanks(thanks, word):
    """Thanks with one unknown word more is `other`."""
    assert classify(f"{thanks} {word}") == "other"


def test_markup_is_taken_away():
    """Of HTML the text stays."""
    assert classify(strip_html("<div>Thank&nbsp;you<br></div>")) == "thanks"


@pytest.mark.parametrize("text", [".", "…", "👍", "-- !"])
def test_signs_alone_say_nothing(text):
    """Without a letter or a digit nothing is said, so it is no answer either."""
    assert classify(text) == "empty"
