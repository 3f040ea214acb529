"""Takes passwords out of command lines and scripts, in one place for everything that is handed on.

A report goes to people who must not have the passwords that somebody typed. Every rule is a shape of a published tool's
command line; where it is not certain how far a value reaches, rather too much is masked than too little. What cannot be
seen stays: base64, variables, passwords in files. Each pattern reads a text once and never goes back over it, because
whoever writes a log could otherwise make it take for ever.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel

MASK = "***"

#: A value: quoted in any way that Windows' shells and XML know, or up to the next blank outside of quotes.
_VALUE = (
    r"(?>(?:&quot;(?:(?!&quot;).)*+(?:&quot;|\Z)|\\\"(?:[^\"\\]|\\(?!\"))*+(?:\\\"|\Z)"
    r"|\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s\"'&|<>;,)]|&(?!&))++)"
)
#: The same where a quote around the whole command may follow: the value itself is a plain word.
_WORD = r"(?:\\?\"[^\"]++\"|'[^']++'|[^\s\"'&|<>]++)"
#: What is masked stays so, whichever rule comes next.
_NOT_YET = r"(?!\*{3}(?:[\s\"'&|<>;,)\\]|\Z))"
#: A word that is a switch is no value.
_NO_SWITCH = r"(?![-/](?:[a-z]|-))"
#: Carets and quotes inside a word mean nothing to cmd.
_NOISE = r"[\"'^\\]*+"


def _spelled(word: str) -> str:
    return _NOISE.join(word)


_LONG = "|".join(map(_spelled, ("password", "passwd", "passphrase", "pass", "pwd")))
_NAME = r"(?:[\w.$-]{1,64})"

#: (pattern, what stays of a hit); the groups named ``a`` and ``b`` stay.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kept)
    for pattern, kept in (
        # wmic /password:x, cmdkey /pass:x, -pwd=x, "/password:with blanks"
        (rf"(?P<a>(?:&quot;|\\?\")[-/]{{1,2}}(?:{_LONG}){_NOISE}\s*+[:=])[^\"]*+(?P<b>\"|\Z)", r"\g<a>***\g<b>"),
        (rf"(?P<a>[-/]{{1,2}}(?:svc|user|admin|rdp)?(?:{_LONG}){_NOISE}\s*+[:=]\s*+){_NOT_YET}{_VALUE}", r"\g<a>***"),
        # -Password x, --pass x, schtasks /rp x
        (rf"(?P<a>(?<![\w/-])[-/]{{1,2}}(?:{_LONG}|rp)\s++){_NO_SWITCH}(?!\*){_WORD}", r"\g<a>***"),
        # $password = 'x', sc config ... password= x, Pwd=x; "password": "x"
        (
            r"(?P<a>(?<![-/\w])\$?\w{0,20}?(?:password|passwd|passphrase|pwd)\\?[\"']?\s*+(?:=|:(?!/))\s*+)"
            rf"(?![\s$(]){_NOT_YET}{_VALUE}",
            r"\g<a>***",
        ),
        (rf"(?P<a>(?:\$|\bset\s)\w{{0,20}}?pass\w{{0,4}}\s*+=\s*+)(?![$(]){_NOT_YET}{_VALUE}", r"\g<a>***"),
        # ConvertTo-SecureString [-String] x -AsPlainText
        (rf"(?P<a>ConvertTo-SecureString(?:\s++-[a-z]++(?::\$\w++)?)*+\s++)(?![-$|)]){_VALUE}", r"\g<a>***"),
        # PSCredential('user', 'x'), NetworkCredential("user","x")
        (
            rf"(?P<a>(?:PS|Network)Credential[\s'\"\]]*+(?:::new)?\s*+\(\s*+{_WORD}\s*+,\s*+)(?!\(|\$){_VALUE}",
            r"\g<a>***",
        ),
        # net user NAME x, with switches before, between or behind
        (
            rf"(?P<a>\bnet1?(?:\.exe)?\\?[\"']?\s++user(?:\s++/[^\s\"'&|<>]++){{0,8}}+\s++{_NO_SWITCH}{_WORD}"
            rf"(?:\s++/[^\s\"'&|<>]++){{0,8}}+\s++)(?![/*]){_WORD}",
            r"\g<a>***",
        ),
        # net use [X:] \\server\share x /user:y, or the password last
        (
            r"(?P<a>\bnet1?(?:\.exe)?\\?[\"']?\s++use(?:\s++(?!\\?[\"']?\\\\)[^\s\"'&|<>]++){0,3}+\s++"
            rf"(?:\\?[\"']\\\\[^\"'&|<>]++[\"']|\\\\[^\s\"'&|<>]++)(?:\s++/[^\s\"'&|<>]++){{0,8}}+\s++)(?![/*]){_WORD}",
            r"\g<a>***",
        ),
        # psexec -u y -p x, schtasks /u y /p x, winrs -u:y -p:x
        (
            rf"(?P<a>(?<![\w/-])[-/]u(?:ser(?:name)?)?[:=\s]\s*+{_WORD}(?:\s++(?![-/]p[:=\s])[^\s]++){{0,12}}?"
            rf"\s++[-/]p[:=\s]\s*+){_NO_SWITCH}(?!\*){_WORD}",
            r"\g<a>***",
        ),
        (
            r"(?P<a>\b(?:psexec|psexec64|paexec|csexec|remcom|winexe|plink|pscp|psftp|sqlcmd|osql|winrs)\b"
            rf"(?:[^\n]{{0,400}}?\s)[-/]p(?:w|[:=])?\s*+){_NO_SWITCH}(?<=[\s:=]){_WORD}",
            r"\g<a>***",
        ),
        # echo x | runas ...
        (rf"(?P<a>\becho\s++){_WORD}(?P<b>\s*+\|\s*+runas\b)", r"\g<a>***\g<b>"),
        # https://user:x@host, domain/user:x@host, -U domain/user%x
        (rf"(?P<a>(?:://|{_NAME}/){_NAME}:)[^\s@/\"']{{1,128}}+(?P<b>@[\w.\[-])", r"\g<a>***\g<b>"),
        (r"(?P<a>\s-{1,2}U(?:ser)?[\s=]\s*+[\w.\\/$-]{1,64}%)[^\s\"']++", r"\g<a>***"),
    )
)
#: Nothing of the above without one of these: most texts are done with one look.
_HINT = re.compile(
    rf"{_spelled('pass')}|{_spelled('pwd')}|[-/]r?p(?:w|[:=])?\s|[-/]p[:=]|securestring|credential"
    r"|\bnet1?(?:\.exe)?\\?[\"']?\s+use|runas|:[^\s@/]{1,128}@|%",
    re.IGNORECASE,
)
_LEAST = 5
#: Facts of custody stay as they are: a file is found again by its name only.
_AS_THEY_ARE = frozenset({"id", "event_uid", "file", "source_file", "sha256", "url", "conclusion", "compared_with"})


def mask(text: str) -> str:
    """Return *text* with every password that can be told as such written as ``***``; the rest is as it was."""
    if len(text) < _LEAST or not _HINT.search(text):
        return text
    for pattern, kept in _RULES:
        text = pattern.sub(kept, text)
    return text


_Model = TypeVar("_Model", bound=BaseModel)


def masked(model: _Model) -> _Model:
    """Return *model* with every text in it masked, but for names of files and ids."""
    return type(model).model_validate(_walk(model.model_dump(), mask))


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {key: item if key in _AS_THEY_ARE else _walk(item, change) for key, item in value.items()}
        case list() | tuple():
            return type(value)(_walk(item, change) for item in value)
        case _:
            return value
