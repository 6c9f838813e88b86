"""The conversations of this installation. They know no phones, no HTTP, no SQL."""

from flows import answers, employer, main, pin, record, sent, settings, sign_in, texts
from flows.ports import Ports
from gateway.conversation import Atlas

atlas = Atlas(
    main.flow,
    record.flow,
    sign_in.flow,
    pin.flow,
    settings.flow,
    texts.flow,
    sent.flow,
    answers.flow,
    employer.flow,
    home="main.menu",
    welcome="main.welcome",
    resume="main.welcome_back",
    down="main.try_later",
    sign_in="sign_in.start",
    texts="texts.understand",
    elsewhere="texts.elsewhere",
    is_word=texts.is_word,
)

__all__ = ["Ports", "atlas"]
