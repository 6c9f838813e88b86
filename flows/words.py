"""The words a text may ask with, in three languages: first the one our screens name, then other spellings.

Official terms first, then what people write for them. ຍອດ has no romanised word of its own, for yot and
yout are one to many ears: what may be either leads to both. No digit stands here: a number answers a menu.
"""

from __future__ import annotations

from typing import Final

from gateway.text.words import Grammar

# Twilio takes STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, REVOKE and OPTOUT for an opt-out: no other meaning.
# YES, its other word for coming back, answers too many questions.
grammar: Final = Grammar(
    {
        "contributions": {
            "en": "BAL, balance, check balance, check bal, contribution, contributions, contrib, "
            "paid months, months paid, my months",
            "lo_Latn": "SOMTHOP, somtop, somtob, somthob, ngeun somthop, thok ngeun somthop, yot ngeun, "
            "yot somthop, yot ngeun somthop, yot, yoot, yod",
            "lo": "ຍອດ, ສົມທົບ, ເງິນ ສົມທົບ, ຍອດ ເງິນ, ຖອກ ເງິນ ສົມທົບ, ຈ່າຍ ເງິນ ສົມທົບ, ຖອກ ເງິນ, ຍອດ ເງິນ ສົມທົບ",
        },
        "missing": {
            "en": "MISS, missing, missing month, missing months, unpaid months, months not paid, gaps",
            "lo_Latn": "KHAT, kat, khad, duan khat, duan thi khat, khat chak duan",
            "lo": "ຂາດ, ເດືອນ ທີ່ ຂາດ, ເດືອນ ຂາດ, ຂາດ ຈັກ ເດືອນ",
        },
        "treatment": {
            "en": "HEALTH, treatment, right treatment, right to treatment, rights to treatment, "
            "health care, medical care",
            "lo_Latn": "PINPOUA, sit pinpoua, pinpua, sit pinpua, mi sit pinpoua, pinpoua soukhaphap",
            "lo": "ປິ່ນປົວ, ສິດ ປິ່ນປົວ, ສິດ ໃນ ການ ປິ່ນປົວ, ປິ່ນປົວ ສຸຂະພາບ, ສິດ ປິ່ນປົວ ສຸຂະພາບ, ມີ ສິດ ປິ່ນປົວ",
        },
        "help": {
            "en": "HELP, info, ?",
            "lo_Latn": "XOUAY, suay, souay, xuay, xouay lua, suay lua, xoy",
            "lo": "ຊ່ວຍ, ຊ່ວຍ ເຫຼືອ, ຊວຍ, ຊ່ອຍ, ຊ່ອຍ ເຫຼືອ",
        },
        "language": {
            "en": "LANGUAGE, lang, english, eng, change language",
            "lo_Latn": "PHASA, pasa, abc, lao abc, lao, phasa lao, phasa angkit, angkit, pian phasa",
            "lo": "ພາສາ, ປ່ຽນ ພາສາ, ລາວ, ພາສາ ລາວ, ອັງກິດ, ພາສາ ອັງກິດ",
        },
        "menu": {
            "en": "MENU, main menu, home",
            "lo_Latn": "MENOU, menou lak, menu lak",
            "lo": "ເມນູ, ເມນູ ຫຼັກ, ໜ້າ ຫຼັກ",
        },
        "settings": {
            "en": "SETTINGS, setting",
            "lo_Latn": "TANGKHA, tangka, kan tangkha",
            "lo": "ຕັ້ງຄ່າ, ການ ຕັ້ງຄ່າ",
        },
        "employer": {
            "en": "EMPLOYER, employers, my firm, firm, my company",
            "lo_Latn": "NAYCHANG, nai chang, phou xai hengngan, houanouay hengngan, houanouay",
            "lo": "ນາຍຈ້າງ, ຜູ້ໃຊ້ ແຮງງານ, ຫົວໜ່ວຍ ແຮງງານ, ຫົວໜ່ວຍ",
        },
        "calculate": {
            "en": "CALC, calculate, calculator, calculate contribution, calculate contributions",
            "lo_Latn": "KHITLAI, khit lai, kitlai, khitlai somthop, khitlai ngeun somthop",
            "lo": "ຄິດໄລ່, ຄິດໄລ່ ສົມທົບ, ຄິດໄລ່ ເງິນ ສົມທົບ",
        },
        "stop": {
            "en": "STOP, off, end, quit, cancel, revoke, unsubscribe, unsub, optout, stop all, remove, "
            "stop messages, no more sms, no more messages",
            "lo_Latn": "YOUT, yut, yud, youd, yout hap, yout hap khokhouam, nyokleuk, yokleuk, nyoklerk, bo hap, "
            "pit sms, pit khokhouam, yot, yoot, yod",
            "lo": "ຢຸດ, ຢູດ, ຍຸດ, ຢຸດ ຮັບ, ຍົກເລີກ, ປິດ, ເຊົາ ຮັບ, ບໍ່ ຮັບ, ບໍ່ ເອົາ ຂໍ້ຄວາມ",
        },
        "start": {
            "en": "START, on, unstop, optin, subscribe, resubscribe",
            "lo_Latn": "PEUT, pert, peud, peut hap",
            "lo": "ເປີດ, ເປີດ ຮັບ, ເລີ່ມ, ເລີ່ມ ຮັບ, ຮັບ sms, ຮັບ ຂໍ້ຄວາມ",
        },
    },
    polite="?, please, pls, plz, my, me, sms, lsso, "
    "kho, kalouna, de, der, kouat, khoy, khong, yak, hou, khokhouam, "
    "ຂໍ, ຮູ້, ຢາກ, ກວດ, ກະລຸນາ, ແດ່, ເດີ, ດ້ວຍ, ຂອງ, ຂ້ອຍ, ຂ້ານ້ອຍ, ຂໍ້ຄວາມ, ອປຊ",
    refusals="no, not, dont, never, bo, bor, boh, ya, yaa, ບໍ່, ບໍ, ຢ່າ, ຫ້າມ",
)
