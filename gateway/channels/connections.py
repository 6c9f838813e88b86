"""Which providers this installation is connected to, by its settings: one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gateway.channels.africastalking import UssdChannel, africastalking
from gateway.channels.africastalking_sms import SmsCarrier as AtCarrier
from gateway.channels.gateway_file import BadGateway, read_gateway
from gateway.channels.http_ussd import HttpUssdChannel, http_ussd
from gateway.channels.inbox import NAME as INBOX
from gateway.channels.inbox import Inbox
from gateway.channels.kannel import SmsCarrier as KannelCarrier
from gateway.channels.kannel import kannel
from gateway.channels.kannel_ussd import DIALECTS
from gateway.channels.kannel_ussd import UssdChannel as KannelUssd
from gateway.channels.port import Asked, Provider
from gateway.channels.simulator import CHAT, simulator
from gateway.channels.twilio import signed_by, twilio
from gateway.channels.twilio_carrier import Account, SmsCarrier, WhatsAppCarrier
from gateway.outbox.port import Carrier
from gateway.settings import Settings

ANSWERS: Final = ("whatsapp", CHAT)  # carriers that reach only who wrote to us


def connected(settings: Settings, ussd: UssdChannel, token: str) -> tuple[Provider, ...]:
    """Every provider that may send us something; those that need an account only where it is set.

    `token` stands in the addresses that we give to providers.
    """
    providers = [africastalking(ussd, at_sms(settings) if settings.at_username else None)]
    if settings.twilio_account_sid:
        providers.append(twilio(is_from_twilio(settings), twilio_carriers(settings, token)))
    if settings.kannel_sendsms_url:
        hop = KannelUssd(ussd.budget, settings.service_code, DIALECTS[settings.kannel_ussd])
        providers.append(kannel(kannel_sms(settings, token), hop))
    if not settings.production:
        sms, chat = (settings.keys_dir.with_name(f"{name}.db") for name in (INBOX, CHAT))
        providers.append(simulator(ussd.budget, Inbox(sms), Inbox(chat, CHAT)))
    for path in settings.ussd_gateways:
        channel = HttpUssdChannel(read_gateway(path), ussd.budget, settings.service_code)
        if channel.file.name in {provider.name for provider in providers}:
            raise BadGateway(f"{path.name}: another provider has this name already")
        providers.append(http_ussd(channel))
    return tuple(providers)


def at_sms(settings: Settings) -> AtCarrier:
    key = settings.at_api_key.get_secret_value()
    return AtCarrier(settings.at_url, settings.at_username, key, settings.at_sender)


def kannel_sms(settings: Settings, token: str) -> KannelCarrier:
    return KannelCarrier(
        settings.kannel_sendsms_url,
        settings.kannel_username,
        settings.kannel_password.get_secret_value(),
        reports_to=f"{settings.kannel_dlr_url}/in/kannel/{token}/delivery",
    )


def is_from_twilio(settings: Settings) -> Callable[[Asked], bool]:
    """Signed by the shared key where there is one, else by the auth token; which one decides the algorithm."""
    if shared := settings.twilio_signing_key.get_secret_value():
        return signed_by(shared, settings.public_url, sha256=True)
    return signed_by(settings.twilio_auth_token.get_secret_value(), settings.public_url, sha256=False)


def twilio_carriers(settings: Settings, token: str) -> list[Carrier]:
    account = Account(
        settings.twilio_account_sid,
        settings.twilio_auth_token.get_secret_value(),
        settings.twilio_url,
        reports_to=f"{settings.public_url}/in/twilio/{token}/status",
    )
    carriers: list[Carrier] = []
    if settings.twilio_from:
        carriers.append(SmsCarrier(account, settings.twilio_from))
    if number := settings.twilio_whatsapp_from:
        carriers.append(WhatsAppCarrier(account, number, settings.twilio_whatsapp_template))
    return carriers


def by_sms(carriers: Sequence[Carrier], chosen: str) -> str:
    """The name of the carrier that takes what names none: the chosen one, else the first; empty where none can.

    Raises SystemExit when the chosen one is not connected.
    """
    names = [carrier.name for carrier in carriers if carrier.name not in ANSWERS]
    if chosen and chosen not in names:
        there = ", ".join(names) or "nobody"
        raise SystemExit(f"PAKAN_SMS_CARRIER: {chosen} is not connected; connected: {there}")
    return chosen or next(iter(names), "")
