"""What holds for every test of a store."""

import pytest

from kiosk.web import borrowing, looking_up, reserving


@pytest.fixture(autouse=True)
def patient_tills(monkeypatch: pytest.MonkeyPatch) -> None:
    """A till waits two seconds for head office and then goes by the rules without a line. On a busy machine one that is
    there may need longer: a test that wants it to be late says so."""
    for asks in (borrowing, looking_up, reserving):
        monkeypatch.setattr(asks, "PATIENCE_S", 120.0)
