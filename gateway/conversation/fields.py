"""What a placeholder can hold: typed when stored, formatted per locale when shown, worst case known.

A flow declares its fields once; from them follow what a screen shows, what the session stores, the longest
text that `flask flows check` has to fit on a handset, and (`needs`) how sure we have to be of who reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol

from gateway.conversation.assurance import Assurance
from gateway.text.alphabet import NBSP, basic
from gateway.text.lao import clusters
from gateway.text.showing import show_date, show_kip, show_month
from gateway.text.values import Kip as KipValue
from gateway.text.values import Month as MonthValue

Translate = Callable[[str], str]  # a wording in, the same wording in the caller's language out


class Field(Protocol):
    """One kind of value. `store` and `load` are inverse; `store` gives what JSON can hold."""

    @property
    def needs(self) -> Assurance: ...
    def store(self, value: Any) -> Any: ...
    def load(self, stored: Any) -> Any: ...
    def show(self, stored: Any, locale: str, translate: Translate) -> str: ...
    def worst(self, locale: str, translate: Translate) -> str: ...


class _Plain:
    """A value that JSON holds as it is."""

    def store(self, value: Any) -> Any:
        return value

    def load(self, stored: Any) -> Any:
        return stored

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return str(stored)


@dataclass(frozen=True)
class Count(_Plain):
    """A whole number from 0 to `most`."""

    most: int
    needs: Assurance = Assurance.ANYONE

    def worst(self, locale: str, translate: Translate) -> str:
        return str(self.most)


@dataclass(frozen=True)
class MonthNumbers(_Plain):
    """Months of one year by number, runs drawn together: `01-06 08`."""

    needs: Assurance = Assurance.ANYONE

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        runs: list[list[int]] = []
        for number in stored:
            if runs and number == runs[-1][-1] + 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        return " ".join(f"{run[0]:02d}-{run[-1]:02d}" if len(run) > 1 else f"{run[0]:02d}" for run in runs)

    def worst(self, locale: str, translate: Translate) -> str:
        return "01-02 04-05 07-08 10-11"  # no set of months takes more


@dataclass(frozen=True)
class Month:
    """A month, shown `10/2026`."""

    needs: Assurance = Assurance.ANYONE

    def store(self, value: MonthValue) -> str:
        return str(value)

    def load(self, stored: str) -> MonthValue:
        return MonthValue.parse(stored)

    def show(self, stored: str, locale: str, translate: Translate) -> str:
        return show_month(self.load(stored), locale)

    def worst(self, locale: str, translate: Translate) -> str:
        return show_month(MonthValue(2026, 12), locale)


@dataclass(frozen=True)
class Date:
    """A day, shown `30/11/2026`."""

    needs: Assurance = Assurance.ANYONE

    def store(self, value: date) -> str:
        return value.isoformat()

    def load(self, stored: str) -> date:
        return date.fromisoformat(stored)

    def show(self, stored: str, locale: str, translate: Translate) -> str:
        return show_date(self.load(stored), locale)

    def worst(self, locale: str, translate: Translate) -> str:
        return show_date(date(2026, 12, 31), locale)


class OneOf(_Plain):
    """One of a few wordings, each marked for translation: stored by key, shown in the caller's language."""

    def __init__(self, needs: Assurance = Assurance.ANYONE, /, **wordings: str) -> None:
        self.needs = needs
        self.wordings = wordings

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return translate(self.wordings[stored])

    def worst(self, locale: str, translate: Translate) -> str:
        return max((translate(wording) for wording in self.wordings.values()), key=len)


class Named(OneOf):
    """One of a few proper names, each in its own language and script whoever reads it."""

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return self.wordings[stored]

    def worst(self, locale: str, translate: Translate) -> str:
        return max(self.wordings.values(), key=len)


@dataclass(frozen=True)
class Moment:
    """A minute on the clock of the scheme's time zone, shown `30/11/2026 14:05`."""

    needs: Assurance = Assurance.ANYONE

    def store(self, value: datetime) -> str:
        return value.strftime("%Y-%m-%d %H:%M")

    def load(self, stored: str) -> datetime:
        return datetime.strptime(stored, "%Y-%m-%d %H:%M")

    def show(self, stored: str, locale: str, translate: Translate) -> str:
        return f"{show_date(self.load(stored).date(), locale)}{NBSP}{stored[-5:]}"

    def worst(self, locale: str, translate: Translate) -> str:
        return self.show("2026-12-31 23:59", locale, translate)


@dataclass(frozen=True)
class Kip(_Plain):
    """An amount in whole kip up to `most`, shown `1.250.000 kip`."""

    most: int
    needs: Assurance = Assurance.ANYONE

    def load(self, stored: int) -> KipValue:
        return KipValue(stored)

    def show(self, stored: int, locale: str, translate: Translate) -> str:
        return show_kip(stored, locale)

    def worst(self, locale: str, translate: Translate) -> str:
        return show_kip(self.most, locale)


class Known:
    """A value of another field, or None where it is not known: then `unknown` is said in its place."""

    def __init__(self, field: Field, unknown: str) -> None:
        self.field, self.needs = field, field.needs
        self.wordings = {"unknown": unknown}

    def store(self, value: Any) -> Any:
        return None if value is None else self.field.store(value)

    def load(self, stored: Any) -> Any:
        return None if stored is None else self.field.load(stored)

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        if stored is None:
            return translate(self.wordings["unknown"])
        return self.field.show(stored, locale, translate)

    def worst(self, locale: str, translate: Translate) -> str:
        return max(self.field.worst(locale, translate), translate(self.wordings["unknown"]), key=len)


@dataclass(frozen=True)
class Name(_Plain):
    """A proper name as a pair, in Lao and in Latin letters, cut to `most` characters of what is shown."""

    most: int
    needs: Assurance = Assurance.ANYONE

    def show(self, stored: Sequence[str], locale: str, translate: Translate) -> str:
        lao, latin = stored
        if locale == "lo":
            return _cut(lao or latin, self.most)
        return _cut(basic(latin), self.most) or "-"  # one Lao letter would move the whole screen to UCS-2

    def worst(self, locale: str, translate: Translate) -> str:
        return ("ກ" if locale == "lo" else "M") * self.most


def _cut(name: str, most: int) -> str:
    """As many whole clusters as fit."""
    kept = ""
    for cluster in clusters(name):
        if len(kept) + len(cluster) > most:
            break
        kept += cluster
    return kept.rstrip()


@dataclass(frozen=True)
class Code(_Plain):
    """A code of up to `most` digits and dashes, the same in every language."""

    most: int
    needs: Assurance = Assurance.ANYONE

    def worst(self, locale: str, translate: Translate) -> str:
        return "0" * self.most


@dataclass(frozen=True)
class Passage(_Plain):
    """A text of sentences, up to `most` characters in Latin letters and half of that in Lao script."""

    most: int
    needs: Assurance = Assurance.ANYONE

    def worst(self, locale: str, translate: Translate) -> str:
        word, most = ("ກາ ", self.most // 2) if locale == "lo" else ("xxxxxxx ", self.most)
        return (word * most)[:most].strip()


@dataclass(frozen=True)
class Once(_Plain):
    """A secret of `digits` digits that is shown on one screen and kept nowhere afterwards."""

    digits: int
    needs: Assurance = Assurance.FRESH

    def worst(self, locale: str, translate: Translate) -> str:
        return "0" * self.digits


@dataclass(frozen=True)
class Answer(_Plain):
    """What somebody typed: kept until it is used, never shown."""

    needs: Assurance = Assurance.ANYONE

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return ""

    def worst(self, locale: str, translate: Translate) -> str:
        return ""


@dataclass(frozen=True)
class Fact(_Plain):
    """The same text on every screen of an installation, such as the hotline."""

    text: str
    needs: Assurance = Assurance.ANYONE

    def show(self, stored: Any, locale: str, translate: Translate) -> str:
        return self.text

    def worst(self, locale: str, translate: Translate) -> str:
        return self.text


Reader = Callable[[str], Any]  # how a question understands what was typed; raises ValueError when it does not


@lru_cache(maxsize=1024)  # wordings are few and fixed
def placeholders(wording: str) -> tuple[str, ...]:
    """Names in a wording, in order of first appearance.

    >>> placeholders("%(paid)s of 12, last %(last)s; 100%%")
    ('paid', 'last')
    """
    names: dict[str, None] = {}
    parts: Sequence[str] = wording.replace("%%", "").split("%(")
    for part in parts[1:]:
        names[part.partition(")")[0]] = None
    return tuple(names)
