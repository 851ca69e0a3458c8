"""The package's command line; `./leverageguard` installs what is missing and calls it."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable

from leverageguard import cli_options, config
from leverageguard.config import ConfigError, Settings

Command = Callable[[Settings, argparse.Namespace], int]


def parser() -> argparse.ArgumentParser:
    """The commands that run inside the stack's environment."""
    made = argparse.ArgumentParser(prog="./leverageguard")
    cli_options.add_commands(made)
    return made


def main() -> int:
    """Exit code: 0 fine, 1 a failure that was explained."""
    options = parser().parse_args()
    try:
        return COMMANDS[options.command](config.load(), options)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        from leverageguard import explaining

        told = explaining.told(error)
        if told is None:
            raise
        print(f"leverageguard: {told}", file=sys.stderr)
        return 1


def _up(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.stack import monitoring
    from leverageguard.stack.progress import Progress
    from leverageguard.stack.up import up

    if options.monitoring:
        monitoring.require_installed()
    up(settings, options.scenario, not options.no_superset, Progress())
    if options.monitoring:
        print("\n".join(monitoring.lines(settings, {})))
    return 0


def _down(settings: Settings, _options: argparse.Namespace) -> int:
    from leverageguard.stack import processes

    stopped = processes.stop_all(settings)
    print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
    return 0


def _status(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.stack import summary

    if options.json:
        print(json.dumps(summary.status(settings), default=str))
    else:
        print(summary.text(settings), end="")
    return 0


def _logs(settings: Settings, options: argparse.Namespace) -> int:
    known = sorted(path.stem for path in settings.logs_dir.glob("*.log"))
    if options.name is None:
        print("\n".join(known) or "no logs yet")
        return 0
    if options.name not in known:
        raise ConfigError(f"no log named {options.name!r}; there are: {', '.join(known)}")
    path = settings.logs_dir / f"{options.name}.log"
    with path.open(errors="replace") as file:
        print("".join(file.readlines()[-options.lines :]), end="")
        while options.follow:
            line = file.readline()
            if line:
                print(line, end="", flush=True)
            else:
                time.sleep(0.3)
    return 0


def _bench(settings: Settings, options: argparse.Namespace) -> int:
    folder = settings.repo_dir / "tests" / "bench"
    known = {path.stem.replace("_", "-"): path for path in sorted(folder.glob("[a-z]*.py"))}
    chosen = known.get((options.name or "").replace("_", "-"))
    if chosen is None:
        print(f"benchmarks: {', '.join(known) or 'none'}")
        return 0 if options.name is None else 1
    return subprocess.call([sys.executable, str(chosen), *options.bench_args])


def _verify(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.evidence import command

    wrong = 0
    for checked in command.run(settings, options.target, options.all, options.rpc, options.offline):
        print(command.text(checked, is_short=options.all), flush=True)
        wrong += checked.is_wrong
    return 1 if wrong else 0


def _sign(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.evidence import vouching
    from leverageguard.settlement.signing import signers

    name = options.verifier
    if not name.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(f"a verifier's name is letters, digits, - and _, not {name!r}")
    signer = signers.signer(settings, options.key or f"secret:chain_verifier_{name}")
    print(f"verifier {name}, {signer.address}", flush=True)
    while True:
        for line in vouching.answer_all(settings, name, signer):
            print(line, flush=True)
        if not options.watch:
            return 0
        time.sleep(2)


def _incidents(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.settlement import incidents

    if options.action == "resolve":
        found = incidents.resolve(settings, options.incident_id, options.why, incidents.me())
        print(f"incident {found.incident_id} is resolved: {found.resolution}")
        return 0
    rows = incidents.every_one(settings) if options.all else incidents.open_ones(settings)
    print("\n".join(incidents.lines(rows)))
    return 0


def _audit(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.audit import printing

    if options.action == "log":
        print("\n".join(printing.log(settings, options.subject, options.lines)))
        return 0
    lines, is_whole = printing.verified(settings, options.noted)
    print("\n".join(lines))
    return 0 if is_whole else 1


def _contacts(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.notifications import contacts

    address = getattr(options, "address", None)
    print(contacts.change(settings, options.wallet, options.channel, address))
    return 0


def _claims(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.claims import actions, printing
    from leverageguard.settlement import incidents

    claim_id, me = getattr(options, "claim_id", ""), incidents.me()
    if options.action == "recover":
        actions.recover(settings, claim_id, options.micro_usdc, options.why, me)
    if options.action == "write-off":
        actions.write_off(settings, claim_id, options.why, me)
    is_one = options.action not in (None, "list")
    lines = printing.shown(settings, claim_id) if is_one else printing.listing(settings)
    print("\n".join(lines))
    return 0


def _payments(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.policies import command
    from leverageguard.settlement import incidents

    print("\n".join(command.payment_lines(settings, vars(options), incidents.me())))
    return 0


def _rebuild_ledger(settings: Settings, _options: argparse.Namespace) -> int:
    from leverageguard.settlement import rebuilding

    counts = rebuilding.rebuild_all(settings)
    print(f"rebuilt from the chain: {counts['batches']} batches, {counts['payouts']} payouts")
    return 0


def _quote(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.underwriting import command

    code, told = command.run(settings, options)
    print(told)
    return code


def _risk(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.risk import champion, printing
    from leverageguard.settlement import incidents

    if options.action == "restore":
        champion.restore(settings, options.model, incidents.me(), options.why)
    is_one = options.action == "show"
    lines = printing.shown(settings, options.model) if is_one else printing.listing(settings)
    print("\n".join(lines))
    return 0


def _backtest(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.stack.up import migrate_store
    from leverageguard.underwriting import backtest_command

    migrate_store(settings)  # which model prices is asked of the store, before any `up` too
    code, told = backtest_command.run(settings, options)
    print(told)
    return code


def _world(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.stack import visiting

    if options.action == "fund":
        print(visiting.fund(settings, options.address))
    elif options.action == "advance":
        print(visiting.advance(settings, options.hours))
    elif options.json:
        print(json.dumps(visiting.visitors(settings)))
    else:
        print("\n".join(visiting.lines(settings)))
    return 0


def _gateway(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.gateway import serving

    serving.run(settings, options.listen, options.workers)
    return 0


def _airflow(settings: Settings, options: argparse.Namespace) -> int:
    from leverageguard.stack import airflow

    return airflow.run_command(settings, options.airflow_args)


def _printer(module: str) -> Command:
    """A command that prints the `lines` of its module, each as it comes."""

    def run(settings: Settings, options: argparse.Namespace) -> int:
        command = importlib.import_module(f"leverageguard.{module}")
        for line in command.lines(settings, vars(options)):
            print(line, flush=True)
        return 0

    return run


# What does more than print has a function above; the others are a line here.
COMMANDS: dict[str, Command] = {
    "up": _up, "down": _down, "status": _status, "logs": _logs, "bench": _bench, "verify": _verify,
    "sign": _sign, "incidents": _incidents, "audit": _audit, "contacts": _contacts,
    "claims": _claims, "payments": _payments, "rebuild-ledger": _rebuild_ledger, "quote": _quote,
    "backtest": _backtest, "risk": _risk, "world": _world, "gateway": _gateway,
    "airflow": _airflow,
    "backup": _printer("recovery.command"),
    "restore": _printer("recovery.command"),
    "containers": _printer("stack.containers"),
    "dashboards": _printer("dashboards.command"),
    "doctor": _printer("security.doctor"),
    "erase-person": _printer("security.erasing"),
    "fund": _printer("fund.command"),
    "keys": _printer("security.keys"),
    "ledger": _printer("fund.ledger_command"),
    "monitoring": _printer("stack.monitoring"),
    "policies": _printer("policies.command"),
    "rebuild-books": _printer("fund.rebooking"),
    "rebuild-warehouse": _printer("recovery.rebuilding"),
    "report": _printer("reporting.command"),
    "secrets": _printer("security.secrets_command"),
    "service-accounts": _printer("gateway.command"),
    "supply-chain": _printer("security.supply_chain"),
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
