import socket
from dataclasses import replace

import pytest

from leverageguard import config
from leverageguard.stack import processes, up
from leverageguard.stack.progress import StackError


def test_check_ports__taken_by_another_program__names_it_and_the_way_out(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        clash = type(settings)(data_dir=settings.data_dir, port_base=port)

        with pytest.raises(StackError, match=f"port {port} for airflow-api is taken.*--port"):
            up.check_ports(clash)


def test_check_ports__a_venues_port_is_taken__names_the_simulator(settings, monkeypatch):
    last = settings.venue_port(config.VENUES[-1])
    monkeypatch.setattr(processes, "port_is_free", lambda _host, port: port != last)

    with pytest.raises(StackError, match=f"port {last} for simulator is taken"):
        up.check_ports(settings)


def test_check_ports__stack_runs_on_another_port__refuses(settings, monkeypatch):
    (settings.data_dir / "port").write_text("23000")
    monkeypatch.setattr(processes, "running", lambda _settings: {"chain": object()})

    with pytest.raises(StackError, match="runs on port 23000"):
        up.check_ports(settings)


def test_check_chain__first_one_is_not_the_embedded_one__refuses(settings):
    embedded = config.ChainSettings("local", 31337)
    real = config.ChainSettings("base", 8453, rpc=("https://node",))
    one = replace(settings, chain_blocks=(embedded, real))

    up.check_chain(one)
    with pytest.raises(StackError, match=r"\[base\] has nodes of its own"):
        up.check_chain(one.on_chain("base"))


def test_only_one__second_up_in_the_folder__refuses(settings):
    with (
        up._only_one(settings),
        pytest.raises(StackError, match="another `up` is at work"),
        up._only_one(settings),
    ):
        pass
