"""Every order of answers at every question: nobody gets a PIN, an amount, a month or a firm without proofs for it.

The flows and the engine are the real ones; who is calling is kept by a ledger of a few lines that knows what
really was proved, when, and by whom. It shares no code with the doorkeeper.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from app import LOCALES
from flows import Ports, atlas
from gateway.conversation.assurance import PROOF_SECONDS
from gateway.conversation.engine import Engine
from gateway.conversation.fields import Fact
from gateway.conversation.talk import Call, Session, Turn
from gateway.identity.port import Look, Opening, Privacy, Sending, Verdict
from gateway.outbox.port import Letter
from gateway.registry.port import Amount, Claim, Contribution, Dues, Found, Posting, Record
from gateway.registry.scheme import load_scheme
from gateway.text.alphabet import Budget
from gateway.text.catalogue import Catalogues
from gateway.text.values import Month

TODAY = date(2026, 11, 23)
PHONE = "+8562055500001"
BORN = {"1": date(1990, 11, 5), "2": date(1991, 2, 6)}
NUMBERS = {"1": "9900000001", "2": "9900000002"}
FIRST_PIN, CODE, STALE = "140714", "271828", "314159"
FIRM = "00001-01"  # the phone is its contact
GOALS = [  # what asks for a proof
    *(["1", "4"], ["4", "2"], ["4", "3"], ["4", "4"], ["4", "5"], ["1", "2"], ["2"], ["5", "1"], ["5", "3"])
]
WHO = st.sampled_from(["1", "2"])
RUNS, STEPS = 10_000, 20
ENGINE = Engine(atlas, Catalogues.load(LOCALES, "en"), {"hotline": Fact("1508"), "code": Fact("*1508#")})


class NoMail:
    """Nothing can be texted here: no proof depends on it."""

    def may_write(self, caller: str) -> bool:
        return False

    def stop(self, caller: str) -> int:
        return 0

    def start(self, caller: str) -> bool:
        return False

    def missed(self, gist: str) -> None: ...

    def last(self, caller: str, member: str, since: int, most: int) -> Sequence[Letter]:
        return ()

    def asked(self, caller: str, since: int) -> Sequence[str]:
        return ()


class NoClaims:
    """No employer answers here."""

    def make(self, claim: Claim, code: str, month: Month, msisdn: str) -> None: ...


class Ledger:
    """What is true of two members and one phone, and what was really proved in this call."""

    chooses_pin = False

    def __init__(self) -> None:
        self.now = 0
        self.bound: set[str] = set()
        self.asks: set[str] = set()
        self.shared = False
        self.pins: dict[str, str] = {}
        self.pending: dict[str, str] = {}
        self.sent: str | None = None
        self.proved: dict[tuple[str, str], int] = {}  # (proof, member) to when
        self.moves: dict[str, str] = {}
        self.told = 0

    def fresh(self, proof: str, member: str) -> bool:
        return self.now - self.proved.get((proof, member), -PROOF_SECONDS - 1) <= PROOF_SECONDS

    def knows(self, member: str) -> bool:
        """Something only she, or her phone alone, could give."""
        alone = self.bound == {member} and member not in self.asks and not self.shared
        return alone or self.fresh("pin", member) or self.fresh("birth date", member)

    def two_proofs(self, member: str) -> bool:
        first = self.fresh("pin", member) or (member not in self.pins and self.fresh("birth date", member))
        return first and self.fresh("code", member)

    def recognise(self, known: Sequence[Any]) -> str | None:
        alone = len(self.bound) == 1 and not self.shared and not self.bound & self.asks
        return next(iter(self.bound)) if alone else None

    def open(self, caller: str, known: Sequence[Any], number: str, secret: str | date, event: str) -> Opening:
        member = next((m for m, whole in NUMBERS.items() if number in {whole, whole[-4:]}), "")
        if isinstance(secret, str):
            if member in self.bound and self.pins.get(member) == secret:
                self.proved["pin", member] = self.now
                return Opening(Verdict.OPENED, member, by_pin=True)
            return Opening(Verdict.REFUSED)
        if len(number) == 4 or BORN.get(member) != secret:
            return Opening(Verdict.REFUSED)
        guarded = member in self.pins and (member in self.asks or self.shared or len(self.bound | {member}) > 1)
        if guarded and member in self.bound:
            return Opening(Verdict.REFUSED)
        self.bound.add(member)
        self.proved["birth date", member] = self.now
        return Opening(Verdict.OPENED, member, asks_pin=guarded)

    def check_pin(self, caller: str, member: str, pin: str, event: str) -> Verdict:
        if self.pins.get(member) != pin:
            return Verdict.REFUSED
        self.proved["pin", member] = self.now
        return Verdict.OPENED

    def has_pin(self, member: str) -> bool:
        return member in self.pins

    def assign_pin(self, caller: str, member: str) -> str | None:
        assert self.two_proofs(member), "a PIN was made for somebody who gave no two proofs"
        self.pending[member] = f"{int(FIRST_PIN) + len(self.pins) + self.now % 100:06}"
        return self.pending[member]

    def choose_pin(self, caller: str, known: Sequence[Any], member: str, pin: str) -> Verdict:
        raise AssertionError("not configured")

    def confirm_pin(self, caller: str, member: str, typed: str, event: str) -> Verdict:
        assert self.two_proofs(member), "a PIN was set by somebody who gave no two proofs"
        if self.pending.pop(member, None) != typed:
            return Verdict.REFUSED
        self.pins[member] = typed
        self.proved.pop(("code", member), None)  # spent
        self.proved["pin", member] = self.now
        return Verdict.OPENED

    def send_code(self, caller: str, purpose: str, wording: str) -> Sending:
        self.sent = CODE
        return Sending.SENT

    def check_code(self, caller: str, purpose: str, typed: str) -> bool:
        right = self.sent is not None and typed == self.sent
        self.sent = None
        if right:
            for member in BORN:  # whoever she is, it came to this phone
                self.proved["code", member] = self.now
        return right

    def speaks_for(self, caller: str, code: str, by_text: bool) -> bool:
        if code == FIRM:
            self.proved["firm", code] = self.now
        return code == FIRM

    def since(self, known: Sequence[Any], member: str) -> int:
        return self.now

    def tell(self, caller: str, member: str, wording: str, event: str) -> bool:
        self.told += 1
        return True

    def privacy(self, known: Sequence[Any], member: str) -> Privacy:
        return Privacy(member in self.asks, self.shared)

    def choose_privacy(self, caller: str, known: Sequence[Any], member: str, privacy: Privacy) -> Privacy:
        assert self.fresh("pin", member), "privacy was changed without a PIN"
        self.shared = privacy.shared
        (self.asks.add if privacy.asks_pin else self.asks.discard)(member)
        return privacy

    def looks(self, caller: str, member: str) -> Sequence[Look]:
        assert self.knows(member)
        return [Look(datetime(2026, 11, 23, 12, 0), "you")]

    def ask_office(self, caller: str, known: Sequence[Any], member: str, kind: str) -> None:
        pass

    def move_day(self) -> date:
        return TODAY

    def move(self, known: Sequence[Any], member: str, to: str) -> None:
        assert self.two_proofs(member), "a number was moved by somebody who gave no two proofs"
        assert self.told, "a number was moved and nobody was told"
        self.moves[member] = to

    def moving(self, member: str) -> date | None:
        return TODAY if member in self.moves else None

    def stop_moving(self, member: str) -> None:
        self.moves.pop(member, None)


class Register:
    """Months and amounts that say whose they are, and refuse to be read by anybody else."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def find(self, number: str, born: date) -> Found | None:
        raise AssertionError("the ledger does this")

    def own(self, member: str) -> Sequence[str]:
        return ()

    def record(self, member: str, since: Month) -> Record | None:
        return Record(member, tuple(self.history(member)))

    def amounts(self, member: str, since: Month) -> Sequence[Amount]:
        assert self.ledger.fresh("pin", member), "amounts were read without a PIN"
        return [Amount(Month(2026, 10), ("", f"Owner {member}"), int(member) * 111_111, int(member) * 111_111)]

    def history(self, member: str) -> Sequence[Contribution]:
        assert self.ledger.knows(member), "a history was read by somebody who proved nothing"
        months = [Month(2026, 10 - back) for back in range(int(member) * 3)]
        return tuple(Contribution(month, Posting.POSTED, full=True) for month in reversed(months))

    def employed(self, member: str, since: Month) -> Sequence[Month]:
        return ()


class Firms:
    """Totals that refuse to be read by anybody who does not speak for the firm."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def speaks_for(self, msisdn: str, code: str) -> bool:
        raise AssertionError("the ledger does this")

    def dues(self, code: str, since: Month) -> Sequence[Dues]:
        assert self.ledger.fresh("firm", code), "totals were read by somebody who does not speak for the firm"
        return [Dues(Month(2026, 10), due=777_777, posted=0, workers=88_888, came=0)]


class Sittings(RuleBasedStateMachine):
    """One phone, two members who share it, and somebody who tries everything."""

    @initialize(
        bound=st.sets(st.sampled_from(["1", "2"])), pins=st.sets(st.sampled_from(["1", "2"])), shared=st.booleans()
    )
    def begin(self, bound: set[str], pins: set[str], shared: bool) -> None:
        self.ledger = Ledger()
        self.ledger.bound |= bound
        self.ledger.shared = shared and bool(bound)
        self.ledger.pins |= {member: f"{FIRST_PIN[:5]}{member}" for member in pins & bound}
        firms = Firms(self.ledger)
        self.ports = Ports(Register(self.ledger), firms, load_scheme(), self.ledger, NoMail(), NoClaims(), UTC)
        self.turn: Turn | None = None
        self.events = 0
        self.dial(cut=False)

    def call(self) -> Call[Any]:
        self.events += 1
        event = str(self.events)
        return Call(PHONE, self.ports, TODAY, Budget(160, 70), "en", (), self.ledger.now, event)

    @rule(cut=st.booleans())
    def dial(self, cut: bool) -> None:
        before = self.turn.session if self.turn and cut else None
        self.ledger.proved.clear()  # a proof belongs to its call
        self.take(ENGINE.dial(self.call(), cut=before))

    @rule(
        keys=st.sampled_from(GOALS) | st.lists(st.sampled_from(["1", "2", "4", "3", FIRST_PIN, CODE]), max_size=4)
    )
    def dial_with_keys(self, keys: list[str]) -> None:
        self.ledger.proved.clear()
        self.take(ENGINE.dial(self.call(), keys))

    @precondition(lambda self: self.turn.session is not None and not self.turn.ends)
    @rule(key=st.sampled_from(["0", "00", "9", "1", "2", "3", "4", "5", "1", "4"]))
    def press(self, key: str) -> None:
        self.hear(key)

    @precondition(lambda self: self.turn.session is not None and not self.turn.ends)
    @rule(who=WHO, how=st.sampled_from(["right", "right", "wrong", "pin for date", "short"]))
    def answer(self, who: str, how: str) -> None:
        self.answer_one(who, how)

    @rule(goal=st.sampled_from(GOALS), who=WHO, times=st.integers(1, 9), slip=st.none() | st.integers(0, 8))
    def sit(self, goal: list[str], who: str, times: int, slip: int | None) -> None:
        """Somebody who knows what she wants and answers rightly, with one slip at most."""
        self.dial_with_keys(goal)
        for question in range(times):
            if self.turn and self.turn.session is not None and not self.turn.ends:
                self.answer_one(who, "wrong" if question == slip else "right")

    def answer_one(self, who: str, how: str) -> None:
        place = self.turn.session.place  # type: ignore[union-attr]
        right = {
            "sign_in.number": NUMBERS[who],
            "sign_in.secret": BORN[who].strftime("%d%m%Y"),
            "sign_in.pin": self.ledger.pins.get(who, FIRST_PIN),
            "sign_in.code": CODE,
            "pin.confirm": self.ledger.pending.get(who, FIRST_PIN),
            "settings.to": "02020000099",
            "employer.code": FIRM,
        }.get(place, "1")
        if how == "pin for date":
            right = self.ledger.pins.get(who, FIRST_PIN)
        elif how == "wrong":
            right = STALE
        elif how == "short":
            right = right[-4:]
        self.hear(right)

    @rule(seconds=st.sampled_from([1, 60, 179, 181, 3600]))
    def wait(self, seconds: int) -> None:
        self.ledger.now += seconds

    def hear(self, typed: str) -> None:
        assert self.turn
        assert self.turn.session
        stored = Session.from_json(self.turn.session.to_json())
        assert stored
        self.take(ENGINE.hear(self.call(), stored, typed))

    def take(self, turn: Turn) -> None:
        """Whatever is on the screen: it is only of somebody who proved enough for it."""
        self.turn = turn
        for member in BORN:
            if f"{int(member) * 3} of the last 12 months are paid" in turn.reply:
                assert self.ledger.knows(member)
            if f"Owner {member}" in turn.reply:
                assert self.ledger.fresh("pin", member)
        if "777,777" in turn.reply or "88888" in turn.reply:
            assert self.ledger.fresh("firm", FIRM)
        if turn.session:
            data = {key: value for key, value in turn.session.data.items() if key != "number"}
            kept = str(
                turn.session._replace(data=data, cut=None).to_json()
            )  # a PIN typed as a number is kept as one
            secrets = {*self.ledger.pins.values(), *self.ledger.pending.values(), CODE, STALE}
            assert not any(secret in kept for secret in secrets), "a secret was kept in a session"


TestSittings = Sittings.TestCase
TestSittings.settings = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
