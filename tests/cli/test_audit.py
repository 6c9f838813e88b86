"""`flask audit`: anchored, verified, and found out, as an operator runs it."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from gateway.text.values import Month
from tests.chat import Phone
from tests.register import Register, paid

NOY = "+8562020000001"


def test_an_operator_anchors_and_verifies_and_a_change_is_named(
    app: Flask, register: Register, gateway_url: str, tmp_path: Path
) -> None:
    register.member(1, NOY, paid(Month(2026, 9), Month(2026, 10)))
    noy = Phone(app, NOY, "en")
    for _look in range(3):
        noy.dial("1").says("0")
    run = app.test_cli_runner().invoke
    line = run(args=["audit", "anchor"])
    assert line.exit_code == 0
    kept = tmp_path / "anchors.jsonl"
    kept.write_text(line.stdout)
    good = run(args=["audit", "verify", "--anchors", str(kept)])
    assert good.exit_code == 0
    assert "3 rows in 1 chains and 1 anchors hold; 0 rows are newer than the last anchor." in good.output
    key = run(args=["audit", "public-key"]).output.strip()
    assert run(args=["audit", "verify", "--public-key", key]).exit_code == 0
    with create_engine(gateway_url, poolclass=NullPool).begin() as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET subject = '2' WHERE id = 2"))
    bad = run(args=["audit", "verify"])
    assert bad.exit_code == 1
    assert "Row 2 (chain " in bad.output
    assert "1 thing is wrong with the audit." in bad.output
