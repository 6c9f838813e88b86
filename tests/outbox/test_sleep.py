"""A sender that is stopped right before the wire, past its lease, and wakes: somebody else sent it by then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from time import sleep

import pytest

from bench.double import Carrier
from bench.torture import LEASE_SECONDS, Child, World, by_day, world_on
from gateway.outbox.port import Message, Outcome, Sent, Unknown
from gateway.outbox.reaper import Reaper
from gateway.outbox.sender import Ended, Sender
from gateway.outbox.states import State
from gateway.outbox.wire import Failed, post

WIRE_SECONDS = LEASE_SECONDS * 0.45  # less than half a lease, as in production


class ByWire(Carrier):
    """Hands texts to the double by the wire of the real carriers."""

    def send(self, message: Message) -> Outcome:
        try:
            answer = post(f"http://127.0.0.1:{self.port}/{message.ref}", message.text, {}, WIRE_SECONDS)
        except Failed as failed:
            return failed.outcome
        return Sent(message.ref) if answer.took else Unknown("no answer")


def sender_of(world: World) -> Sender:
    sender = world.sender()
    sender.carriers = {"double": ByWire(world.port)}
    return sender


def test_who_slept_before_the_wire_sends_nothing() -> None:
    if not shutil.which("strace"):
        if os.environ.get("CI"):
            pytest.fail("strace is not installed")
        pytest.skip("strace is not installed, so no sender was stopped before its wire")
    hold, go = os.pipe()

    def send(world: World, tell: int) -> None:
        sender = sender_of(world)
        [ref] = sender.outbox.offer("double", bulk=True, most=1, seconds=0)
        os.write(tell, b".")
        os.read(hold, 1)
        sender.deliver(ref)
        os._exit(0)

    with world_on("sqlite", True, by_day()) as world:
        world.post(1)
        sleeper = Child(world, send)
        os.read(sleeper.told, 1)
        stop = ["strace", "-f", "-qq", "-p", str(sleeper.pid), "-e", "trace=connect"]
        with subprocess.Popen(
            [*stop, "-e", "inject=connect:signal=STOP:when=1"], stderr=subprocess.PIPE
        ) as strace:
            assert strace.stderr
            sleep(0.5)  # it says nothing when it has hold of the process
            os.write(go, b".")
            sleep(LEASE_SECONDS + 1.5)
            assert world.counts() == {State.CLAIMED: 1}
            assert Carrier(world.port).taken() == Counter()
            other = sender_of(world)
            Reaper(other.outbox, other.carriers).sweep()
            [ref] = other.outbox.offer("double", bulk=True, most=1, seconds=0)
            assert other.deliver(ref) is Ended.SENT
            os.kill(sleeper.pid, signal.SIGCONT)
            _pid, status = os.waitpid(sleeper.pid, 0)
            strace.communicate(timeout=10)
        assert status == 0
        assert Carrier(world.port).taken() == {ref: 1}
        assert world.counts() == {State.ACCEPTED: 1}
        other.outbox.hot.close()
    for end in (hold, go, sleeper.told):
        os.close(end)
