"""`flask flows`: one sentence a fault, and pictures of the same graph."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from flask import Flask

from app import LOCALES
from flows import atlas
from gateway.conversation.diagram import mermaid
from tests.conversation.broken import FAULTS

DOCS = LOCALES.parent / "docs"


def run(app: Flask, *args: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["flows", *args])
    return result.exit_code, result.output


def test_ours_have_no_faults(app: Flask) -> None:
    code, output = run(app, "check")
    assert code == 0
    assert output.endswith("3 languages on USSD 160/70: no faults\n")


def test_every_planted_fault_is_said_in_one_sentence(app: Flask) -> None:
    assert run(app, "check", "tests.conversation.broken:atlas") == (1, FAULTS)


@pytest.mark.parametrize("path", ["tests.nowhere:atlas", "tests.conversation.broken:FAULTS"])
def test_an_atlas_that_is_none(app: Flask, path: str) -> None:
    code, output = run(app, "check", path)
    assert code == 2
    assert path in output


def test_mermaid_names_every_state_and_edge(app: Flask) -> None:
    code, output = run(app, "diagram")
    assert code == 0
    for place in atlas:
        assert place.name.replace(".", "__") in output
        for target in place.targets:
            assert f"| {target.strip('()').replace('.', '__')}\n" in output


def test_the_diagram_in_the_docs_is_of_today() -> None:
    """`make diagrams` draws it again."""
    assert (DOCS / "conversation.mmd").read_text() == mermaid(atlas)


def test_one_flow_alone_and_no_other(app: Flask) -> None:
    code, output = run(app, "diagram", "main")
    assert code == 0
    assert "main__menu[" in output
    assert "record__summary[" not in output
    code, output = run(app, "diagram", "nothing")
    assert code == 2
    assert "there are main, record" in output


def test_a_picture_in_lao(app: Flask, tmp_path: Path) -> None:
    if shutil.which("dot") is None:
        if os.environ.get("CI"):
            pytest.fail("Graphviz is needed to draw a conversation")
        pytest.skip("Graphviz is not installed: apt-get install graphviz")
    picture = tmp_path / "record.svg"
    code, _output = run(app, "diagram", "record", "--svg", str(picture), "--locale", "lo")
    assert code == 0
    svg = picture.read_text("utf-8")
    assert 'id="record.summary"' in svg
    assert "ເດືອນທີ່ຂາດ" in svg
