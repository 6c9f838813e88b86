from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.text.alphabet import USSD, USSD_MAX, Budget, is_gsm7, sendable
from gateway.text.lao import breaks, clusters
from gateway.text.paging import ScreenTooLong, paginate
from tests.text.lao_samples import SENTENCES, SYLLABLES

FEET = {"lo": ("0 ກັບຄືນ", "9 ຕໍ່ໄປ"), "en": ("0 Back", "9 More"), "none": ("", "")}
BUDGETS = [USSD, USSD_MAX, Budget(120, 50), Budget(90, 40)]
BENEFITS = ["1 ປິ່ນປົວສຸຂະພາບ", "2 ປ່ວຍການ", "3 ອອກລູກ", "4 ວ່າງງານ", "5 ບຳນານ", "6 ອຸປະຕິເຫດແຮງງານ", "7 ເສຍຊີວິດ"]
MATERNITY = (
    "ອອກລູກ: ຕ້ອງຖອກເງິນສົມທົບ 9~ເດືອນຂຶ້ນໄປ. ໄດ້ຮັບ 80% ຂອງເງິນເດືອນປະກັນຕົນສະເລ່ຍ 6~ເດືອນສຸດທ້າຍ, "
    "ບໍ່ເກີນ 105~ວັນ (ລູກຝາແຝດ 120~ວັນ). ເອກະສານ: ໃບເກີດ, ບັດປະກັນສັງຄົມ, "
    "ໜັງສືຢັ້ງຢືນຈາກຫົວໜ່ວຍແຮງງານ. ສອບຖາມ: 1508."
).replace("~", "\u00a0")

feet = st.sampled_from(sorted(FEET.values()))
budgets = st.sampled_from(BUDGETS)
sentences = st.sampled_from([line.replace("|", "").replace("~", "\u00a0") for line in SENTENCES])
latin = st.sampled_from(
    ["LSSO:", "1.250.000\u00a0kip", "12/2026.", "Paid?", "up to", "{x}", "€5", "\n", "Keo Vong"]
)
lao_words = st.sampled_from([word.replace("-", "") for word in SYLLABLES])
bodies = st.builds(
    lambda parts, glue: glue.join(parts),
    st.lists(sentences | latin | lao_words, max_size=9),
    st.sampled_from([" ", "", "\n"]),
)
anything = st.text(st.sampled_from("ກນ້ຳເ ab.{€\n\u00a0😀👨‍👩‍👧\u0301\ud800\0"), max_size=120)
menus = st.lists(st.sampled_from([line[2:] for line in BENEFITS] + ["Missing months", "SMS"]), max_size=9).map(
    lambda names: [f"{number} {name}" for number, name in enumerate(names, start=1)]
)


def contents(pages: list[str], foot: str, more: str) -> list[str]:
    """What the pages say above their last lines; asserts that every page has the right last line."""
    found = []
    for number, page in enumerate(pages, start=1):
        last_line = foot if number == len(pages) else f"{more} {foot}".strip()
        assert page == last_line or page.endswith(f"\n{last_line}" if last_line else "")
        found.append(page.removesuffix(last_line).removesuffix("\n") if last_line else page)
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@settings(max_examples=300, deadline=None)
@given(bodies | anything, menus, feet, budgets)
@example(MATERNITY, BENEFITS, FEET["lo"], USSD)
def test_pages_fit_lose_nothing_and_keep_items_whole(
    body: str, items: list[str], last: tuple[str, str], budget: Budget
) -> None:
    foot, more = last
    pages = paginate(body, items, foot, more, budget)
    assert all(budget.fits(page) for page in pages)
    assert all(page == page.strip() and "\u00a0" not in page for page in pages)
    shown = contents(pages, foot, more)
    assert squeezed("".join(shown)) == squeezed(body + "".join(items))
    assert len(pages) == 1 or all(shown)
    if items:  # each on one line of one page, in order
        assert "\n".join(shown).split("\n")[-len(items) :] == items


@settings(max_examples=300, deadline=None)
@given(bodies, feet, st.sampled_from([USSD, USSD_MAX]))
def test_pages_end_only_where_a_line_may(body: str, last: tuple[str, str], budget: Budget) -> None:
    shown = contents(paginate(body, [], *last, budget), *last)
    ends, start = set(), 0
    plain = sendable(body)
    for page in shown[:-1]:
        start = plain.index(page, start) + len(page)
        start += len(plain[start:]) - len(plain[start:].lstrip())
        ends.add(start)
    leading = len(body) - len(body.lstrip())
    words = [body[a:b] for a, b in itertools.pairwise((leading, *breaks(body), len(body)))]
    if all(budget.fits(f"{word}\n{last[1]} {last[0]}") for word in words):
        assert ends <= set(breaks(body))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "e\u0301", "👨‍👩‍👧", "🇱🇦", "ໝີ້", "\ud800", "\0"]), min_size=1, max_size=60), feet
)
def test_a_word_longer_than_a_page_divides_between_clusters(parts: list[str], last: tuple[str, str]) -> None:
    body = "".join(parts)
    budget = Budget(60, 30)
    shown = contents(paginate(body, [], *last, budget), *last)
    assert "".join(shown) == body
    ends = set(itertools.accumulate(map(len, shown)))
    assert ends <= set(itertools.accumulate(map(len, clusters(body))))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SYLLABLES), min_size=12, max_size=60), feet)
def test_no_page_ends_inside_a_syllable(words: list[str], last: tuple[str, str]) -> None:
    shown = contents(paginate("".join(words).replace("-", ""), [], *last, USSD), *last)
    syllables = itertools.accumulate(len(syllable) for word in words for syllable in word.split("-"))
    assert set(itertools.accumulate(map(len, shown))) <= set(syllables)


def fewest(body: str, items: list[str], foot: str, more: str, budget: Budget) -> int:
    """The least number of pages, found the slow way: from the start, every page as full as it can be."""
    pieces = [body[start:end] for start, end in itertools.pairwise((0, *breaks(body), len(body)))]
    pieces = [*pieces[:-1], f"{pieces[-1]}\n", *(f"{item}\n" for item in items)]
    count = 1
    while not budget.fits(f"{sendable(''.join(pieces)).strip()}\n{foot}".strip()):
        most = max(
            size
            for size in range(1, len(pieces) + 1)
            if budget.fits(f"{sendable(''.join(pieces[:size])).strip()}\n{more} {foot}".strip())
        )
        pieces, count = pieces[most:], count + 1
    return count


@settings(max_examples=300, deadline=None)
@given(bodies.map(str.strip), menus, feet, st.sampled_from([USSD, USSD_MAX]))
def test_no_way_to_divide_gives_fewer_pages(
    body: str, items: list[str], last: tuple[str, str], budget: Budget
) -> None:
    try:
        expected = fewest(body, items, *last, budget)
    except ValueError:  # a word longer than a page: the slow way does not divide it
        return
    assert len(paginate(body, items, *last, budget)) == expected


@settings(max_examples=200, deadline=None)
@given(bodies, menus, feet, budgets, st.data())
def test_a_shorter_text_never_takes_more_pages(
    body: str, items: list[str], last: tuple[str, str], budget: Budget, data: st.DataObject
) -> None:
    """So a check of the worst case covers every case."""
    cuts = (0, *breaks(body), len(body))
    shorter = body[: data.draw(st.sampled_from(cuts))]
    assert len(paginate(shorter, items, *last, budget)) <= len(paginate(body, items, *last, budget))


@pytest.mark.parametrize(
    ("body", "items", "last", "budget", "pages"),
    [
        pytest.param("", [], ("", ""), USSD, [""], id="nothing"),
        pytest.param("Thank you.", [], ("", ""), USSD, ["Thank you."], id="no last line"),
        pytest.param("Pay 9\u00a0kip", ["1 Yes"], FEET["en"], USSD, ["Pay 9 kip\n1 Yes\n0 Back"], id="one page"),
        pytest.param("  \n", ["1 Yes"], FEET["en"], USSD, ["1 Yes\n0 Back"], id="items only"),
        pytest.param("Choose: \n", ["1 Yes"], ("", ""), USSD, ["Choose:\n1 Yes"], id="no blank line"),
        pytest.param(
            "",
            BENEFITS[:3],
            ("", "9"),
            Budget(50, 25),
            ["1 ປິ່ນປົວສຸຂະພາບ\n9", "2 ປ່ວຍການ\n3 ອອກລູກ"],
            id="items only, on two pages",
        ),
        pytest.param(
            "ເລືອກການອຸດໜູນ:",
            BENEFITS,
            FEET["lo"],
            USSD_MAX,
            [
                "ເລືອກການອຸດໜູນ:\n1 ປິ່ນປົວສຸຂະພາບ\n2 ປ່ວຍການ\n3 ອອກລູກ\n4 ວ່າງງານ\n9 ຕໍ່ໄປ 0 ກັບຄືນ",
                "5 ບຳນານ\n6 ອຸປະຕິເຫດແຮງງານ\n7 ເສຍຊີວິດ\n0 ກັບຄືນ",
            ],
            id="a menu between its items",
        ),
        pytest.param(
            MATERNITY,
            [],
            FEET["lo"],
            USSD,
            [
                "ອອກລູກ: ຕ້ອງຖອກເງິນສົມທົບ 9 ເດືອນຂຶ້ນໄປ.\n9 ຕໍ່ໄປ 0 ກັບຄືນ",
                "ໄດ້ຮັບ 80% ຂອງເງິນເດືອນປະກັນຕົນສະເລ່ຍ 6 ເດືອນສຸດທ້າຍ,\n9 ຕໍ່ໄປ 0 ກັບຄືນ",
                "ບໍ່ເກີນ 105 ວັນ (ລູກຝາແຝດ 120 ວັນ). ເອກະສານ: ໃບເກີດ,\n9 ຕໍ່ໄປ 0 ກັບຄືນ",
                "ບັດປະກັນສັງຄົມ, ໜັງສືຢັ້ງຢືນຈາກຫົວໜ່ວຍແຮງງານ. ສອບຖາມ: 1508.\n0 ກັບຄືນ",
            ],
            id="sentences before words",
        ),
        pytest.param(
            "You have paid 12 months. Choose:",
            ["1 Months", "2 Years"],
            ("", "9 More"),
            Budget(44, 20),
            ["You have paid 12 months.\n9 More", "Choose:\n1 Months\n2 Years"],
            id="a question goes with its items",
        ),
        pytest.param(
            "A first line of words.\nSecond one, and some more",
            [],
            ("", "9 More"),
            Budget(40, 20),
            ["A first line of words.\n9 More", "Second one, and some more"],
            id="a line before a space",
        ),
        pytest.param(
            "2026:\nYou have paid every month up to now",
            [],
            ("", "9 More"),
            Budget(40, 20),
            ["2026:\nYou have paid every month\n9 More", "up to now"],
            id="no page for a heading alone",
        ),
        pytest.param(
            "ທ່ານຖອກແລ້ວ ຫົວໜ່ວຍແຮງງານ",
            [],
            ("", "9"),
            Budget(46, 23),
            ["ທ່ານຖອກແລ້ວ\n9", "ຫົວໜ່ວຍແຮງງານ"],
            id="a space before two Lao words",
        ),
        pytest.param(
            "Total to pay now is 1,250,000\u00a0kip",
            [],
            ("", "9"),
            Budget(28, 14),
            ["Total to pay now is\n9", "1,250,000 kip"],
            id="an amount with its unit",
        ),
    ],
)
def test_examples(body: str, items: list[str], last: tuple[str, str], budget: Budget, pages: list[str]) -> None:
    assert paginate(body, items, *last, budget) == pages


def test_a_lao_name_on_a_latin_screen_costs_room_on_its_own_page_only() -> None:
    pages = paginate("word " * 40 + "ສົມສັກ", [], *FEET["en"], USSD)
    assert [is_gsm7(page) for page in pages] == [True, False]
    assert len(pages[0]) > USSD.ucs2


@pytest.mark.parametrize(
    ("body", "items", "last", "budget", "message"),
    [
        (
            "Choose:",
            ["1 Yes", f"2 {'x' * 160}"],
            FEET["en"],
            USSD,
            "item 2 and the last line take 169 units of 160",
        ),
        ("", [f"1 {'ກ' * 70}"], FEET["lo"], USSD, "item 1 and the last line take 81 units of 70"),
        ("Hello", [], ("0" * 160, ""), USSD, "a letter and the last line take 162 units of 160"),
        ("ກ", [], FEET["en"], Budget(160, 0), "a letter and the last line take 15 units of 0"),
    ],
)
def test_too_long(body: str, items: list[str], last: tuple[str, str], budget: Budget, message: str) -> None:
    with pytest.raises(ScreenTooLong, match=f"^{re.escape(message)}$"):
        paginate(body, items, *last, budget)
