"""The sender spread over processes and machines: Celery on RabbitMQ carries references, never a number or a text.

Of the broker nothing is expected but speed. An offer that is lost, too old or there twice changes nothing, for the
row decides who sends (`Outbox.take`), and what nobody took is offered again. So nothing here uses retries,
countdowns, results or what a broker keeps on its disk. Each pool of a carrier is a queue of its own, so that
workers of one never wait for another's provider (reliability F21).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from celery import Celery, signals
from kombu import Exchange, Queue

from gateway.logs import report
from gateway.outbox.outbox import OFFER_SECONDS
from gateway.outbox.sender import Sender

POOLS: Final = {False: "now", True: "bulk"}  # by whether they are bulk: a code never waits behind a campaign
DEPTH: Final = 200  # offers that wait in a queue: some seconds of work, and far less than an offer lives
BROKER_SECONDS: Final = 5.0  # longest wait for an answer of the broker
ILL_SECONDS: Final = 2.0  # after the database failed
TRANSIENT: Final = 1  # delivery mode: a broker that restarts may forget offers


def queue_of(carrier: str, pool: str) -> str:
    """The name of a queue, as the broker's console shows it."""
    return f"{carrier}.{pool}"


class Spread:
    """One sender, offered what is due through a broker. `url`: amqp://name:password@host:port/vhost."""

    def __init__(self, url: str, sender: Sender) -> None:
        self._sender = sender
        self._channel: Any = None
        names = [queue_of(carrier, pool) for carrier in sender.carriers for pool in POOLS.values()]
        self._queues = {
            name: Queue(name, Exchange(""), routing_key=name, message_ttl=OFFER_SECONDS) for name in names
        }
        self._celery = Celery("pakan", broker=url, set_as_current=False)
        self._celery.conf.update(
            task_queues=tuple(self._queues.values()),
            task_acks_late=True,  # a worker that dies gives its offer back, and the row says what it is worth
            task_ignore_result=True,
            task_serializer="json",
            accept_content=["json"],
            worker_prefetch_multiplier=1,
            worker_enable_remote_control=False,
            worker_hijack_root_logger=False,
            worker_redirect_stdouts=False,
            broker_connection_timeout=BROKER_SECONDS,
            broker_connection_retry_on_startup=True,
            broker_connection_max_retries=None,  # for ever: it comes back, and so do we
        )
        limits = {"read_timeout": BROKER_SECONDS, "write_timeout": BROKER_SECONDS}  # a frozen broker never answers
        self._broker = self._celery.connection_for_write(heartbeat=0, transport_options=limits)

        def deliver(ref: str) -> None:  # a function: Celery takes the `self` of a method for an argument
            self._carry(ref)

        self._deliver = self._celery.task(name="deliver", shared=False)(deliver)

    def work(self, pool: str, concurrency: int, carriers: Iterable[str] = ()) -> int:
        """Carry what this pool is offered, of all carriers or some, until SIGTERM or SIGINT; the exit status."""
        signals.setup_logging.connect(_leave_logs_alone)
        worker = self._celery.Worker(
            queues=[queue_of(carrier, pool) for carrier in carriers or self._sender.carriers],
            concurrency=concurrency,
            pool="prefork",
            quiet=True,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        worker.start()
        return int(worker.exitcode or 0)

    def offer(self) -> int:
        """Offer what is due, as far as the queues have room; how much was. Fails in silence but for a log line."""
        offered = 0
        try:
            for bulk, pool in POOLS.items():
                for carrier in self._sender.carriers:
                    queue = queue_of(carrier, pool)
                    room = self._room(queue)
                    for ref in self._sender.due(carrier, bulk, room) if room > 0 else ():
                        self._publish(ref, queue)
                        offered += 1
        except Exception as problem:  # the broker or the database is away: the next turn finds the same rows
            report("offer failed", problem)
            self.close()
        return offered

    def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(OSError, *self._broker.connection_errors, *self._broker.channel_errors):
                self._broker.collect(BROKER_SECONDS)

    def _carry(self, ref: str) -> None:
        try:
            self._sender.deliver(ref)
        except Exception as problem:  # the row stays as it is, and is offered again or settled by the reaper
            report("sender failed", problem)
            time.sleep(ILL_SECONDS)

    def _room(self, queue: str) -> int:
        """How many more offers may wait; declares the queue, so that none is lost before a worker came."""
        waiting: int = self._queues[queue](self._open()).queue_declare().message_count
        return DEPTH - waiting

    def _publish(self, ref: str, queue: str) -> None:
        producer = self._celery.amqp.Producer(self._open())
        self._deliver.apply_async((ref,), queue=queue, producer=producer, retry=False, delivery_mode=TRANSIENT)

    def _open(self) -> Any:
        """The channel that offers are made on. A plain one: kombu's own would wait for a lost broker for ever."""
        if self._channel is None:
            self._broker.connect()
            self._channel = self._broker.channel()
        return self._channel


def _leave_logs_alone(**_told: object) -> None:
    """Where somebody listens to this signal, Celery sets no logging up; `seal_process` has done so."""
