"""Debian's packages that a package's script needs: installed where they are missing.

Not executable, so that .ci/release does not run it as a package of its own.
"""

import os
import subprocess


def need(*packages):
    told = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True)
    there = {line.split()[0] for line in told.stdout.splitlines() if line.endswith(" installed")}
    missing = [package for package in packages if package not in there]
    if not missing:
        return
    print("missing:", *missing, flush=True)
    as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    subprocess.run([*as_root, "apt-get", "update", "-qq"], check=True)
    subprocess.run([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq",
                    "--no-install-recommends", *missing], check=True, stdout=subprocess.DEVNULL)
