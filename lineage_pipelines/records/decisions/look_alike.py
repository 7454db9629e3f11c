"""Look-alike of a name: another name that people would take for it, by case, by letters of other scripts, by digits.

After Unicode Technical Standard 39 (confusable detection, restriction levels), for the letters in which names and
e-mail addresses are usually written.
"""

import unicodedata

_CONFUSED = str.maketrans(
    {
        **dict(
            zip(
                "\u0430\u0431\u0432\u0433\u0435\u0455\u0456\u0458\u043a\u04cf\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0501\u051b\u051d\u04bb",
                "a6bresijklmhopctyxdqwh",
                strict=True,
            )
        ),
        **dict(
            zip(
                "\u03b1\u03b2\u03b5\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u03c9",
                "abenikvoptuxw",
                strict=True,
            )
        ),
        **dict(zip("\u0131\u0251\u02610135", "iagolbs", strict=True)),
        "|": "l",
        "i": "l",
    }
)
_ONE_SCRIPT = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")
"""Scripts whose letters look alike: a word of two of them is no word of any language."""


def skeleton(name: str) -> str:
    """Return what is left of a name where nothing is distinguished that people confuse; look-alikes have the same."""
    plain = "".join(each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each) != "Cf")
    return plain.casefold().translate(_CONFUSED).translate(_CONFUSED).replace("rn", "m")


def mixes_scripts(name: str) -> bool:
    """Return whether a name has letters of two scripts that look alike."""
    words = {unicodedata.name(each, "").partition(" ")[0] for each in name if each.isalpha()}
    return len(words.intersection(_ONE_SCRIPT)) > 1
