"""What a stop request promises: seen between two ticks, never in one, and a second one is not asked twice."""

import os
import signal
import time

import pytest

from field.stop import StopRequest


@pytest.mark.parametrize(
    ("number", "words", "status"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
def test_a_signal_is_a_value(number: signal.Signals, words: str, status: int):
    """Nothing is interrupted; whoever looks sees it, and the shell gets its status."""
    with StopRequest() as stop:
        assert (stop.asked, stop.words, stop.exit_status) == (False, "", 0)
        os.kill(os.getpid(), number)
        assert (stop.asked, stop.words, stop.exit_status) == (True, words, status)


def test_a_signal_ends_one_wait():
    """The loop hears of it at once, and keeps its pace while it gives the street back."""
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        began_s = time.monotonic()
        stop.wait(30.0)
        assert time.monotonic() - began_s < 5.0
        stop.wait(0.05)
        assert time.monotonic() - began_s >= 0.05


def test_a_second_ctrl_c_interrupts_at_once():
    """Nobody is held up by a release that hangs."""
    with StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_as_before_afterwards():
    """Also when nothing happened."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
