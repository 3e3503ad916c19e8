"""Known vulnerabilities in what the service runs with; run by .ci/run with the gates' environment.

A reported one fails the build, unless it stands in ACCEPTED with its reason. That the service which knows them cannot
be reached is no finding: it is said, and the build goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

# id of the report: why it does not concern us, and until when that was looked at
ACCEPTED: dict[str, str] = {}

UNREACHABLE = (
    "ConnectionError",
    "Max retries",
    "Name or service not known",
    "timed out",
    "Failed to establish",
    "ProxyError",
    "ServiceError",
    "403",
    "404",
    "502",
    "503",
    "SSLError",
)


def main() -> int:
    tool = Path(sys.executable).with_name("pip-audit")
    try:
        done = subprocess.run(
            [
                tool,
                "--requirement",
                "requirements/run.lock",
                "--requirement",
                "requirements/embedded.lock",
                "--disable-pip",
                "--require-hashes",
                "--format",
                "json",
                "--progress-spinner",
                "off",
                "--timeout",
                "15",
            ],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print("pip-audit: NOT CHECKED: the vulnerability service did not answer in time")
        return 0
    try:
        report = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        if any(word in done.stderr for word in UNREACHABLE):
            print(f"pip-audit: NOT CHECKED: the vulnerability service cannot be reached ({last[:200]})")
            return 0
        print(f"pip-audit: failed: {done.stderr.strip()[-2000:]}")
        return 1
    found = [
        (package["name"], package.get("version"), finding)
        for package in report["dependencies"]
        for finding in package.get("vulns", [])
        if not {finding["id"], *finding.get("aliases", [])} & ACCEPTED.keys()
    ]
    skipped = [package["name"] for package in report["dependencies"] if package.get("skip_reason")]
    for name, version, finding in found:
        mended = ", ".join(finding["fix_versions"]) or "none yet"
        print(f"pip-audit: {name} {version}: {finding['id']}, mended in {mended}")
    total = len(report["dependencies"])
    if len(skipped) == total:
        print(f"pip-audit: NOT CHECKED: the service that is asked here knows none of the {total} packages")
        return 0
    print(f"pip-audit: {total} packages, {len(found)} findings; not looked up: {', '.join(skipped) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
