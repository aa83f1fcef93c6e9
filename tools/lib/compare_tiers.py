"""For tools/compare --tiers: what each tier of Ashlar's engine executes of a kernel, and why regions of tier 2 are left."""
import argparse
import json
import os
import subprocess
import tempfile

import guest_kernels
from measure import Failure

HEADER = (f"{'kernel':<10}{'M instr.':>10}{'tier 0 %':>10}{'tier 1 %':>10}{'tier 2 %':>10}{'regions':>9}{'refused':>9}"
          f"{'B/instr.':>10}{'instr./entry':>14}  ways out of regions; what tiers 0 and 1 executed behind them")


def measure(kernel, options):
    with tempfile.TemporaryDirectory() as directory:
        exits = os.path.join(directory, "exits")
        ashlar = argparse.Namespace(**{**vars(options), "machines": ["ashlar"]})
        command = guest_kernels.commands(kernel, ashlar, options.repeat, directory)["ashlar"]
        try:
            ran = subprocess.run(command + ["--stats=json", f"--dump-exits={exits}"], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, errors="replace", timeout=options.timeout)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"{command[0]}: no end after {options.timeout} s") from error
        if ran.returncode != 0:
            raise Failure(f"{' '.join(command)}: exit status {ran.returncode}: {ran.stderr.strip()}")
        facts = json.loads(ran.stderr[ran.stderr.index("{"):])
        with open(exits, encoding="utf-8") as file:
            worst = file.read().splitlines()[:1 + options.exits]
    result = guest_kernels.parse(ran.stdout, "ashlar")
    return {"kernel": kernel, "repeat": result["repeat"], "checksum": result["checksum"], "agree": True, "facts": facts,
            "exits": worst, "cost": {}}


def shares(facts, group):
    """The largest parts of a group's sum, as text."""
    parts = {name.split(".")[1]: value for name, value in facts.items() if name.startswith(group + ".")}
    total = sum(parts.values())
    largest = sorted((item for item in parts.items() if item[1] * 20 > total), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * value / total:.0f} %" for name, value in largest) or "none"


def print_row(row):
    facts = row["facts"]
    line = f"{row['kernel']:<10}{facts['instructions.all'] / 1e6:>10.0f}"
    for tier in range(3):
        line += f"{facts.get(f'instructions.tier{tier}_percent', 0):>10.2f}"
    line += f"{facts['tier2.units']:>9}{facts['regions.refused']:>9}{facts.get('regions.bytes_per_instruction', 0):>10.1f}"
    line += f"{facts.get('regions.instructions_per_entry', 0):>14.1f}"
    print(f"{line}  {shares(facts, 'region_exits')}; {shares(facts, 'instructions_after')}", flush=True)
    if len(row["exits"]) > 1:
        print("\n".join(row["exits"]), flush=True)
