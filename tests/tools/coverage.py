"""coverage.py SOURCE BUILD: what the unit tests reached, per folder of the product; called by make coverage. A file that no
unit test links, the glue to httpd, counts with nothing reached: the integration tests are there for it."""
import collections
import json
import os
import re
import subprocess
import sys

FOLDERS = ("shared/", "mod_acs/", "mod_3ds_server/")


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def main():
    source, build = sys.argv[1:]
    report = os.path.join(build, "coverage.json")
    subprocess.run(["gcovr", "-r", source, "--object-directory", build, "-j", "2", "--exclude-unreachable-branches",
                    *(x for folder in FOLDERS for x in ("-f", f"{re.escape(source)}/{folder}")), "--json-summary", report,
                    "--html-details", os.path.join(build, "coverage.html"), build], check=True)
    with open(report, encoding="utf-8") as f:
        files = json.load(f)["files"]
    sums = collections.defaultdict(collections.Counter)
    for row in files:
        folder = os.path.dirname(row["filename"])
        glue = folder.startswith("mod_") and os.path.basename(row["filename"]).startswith(folder)
        for name in (folder + " (httpd)" if glue else folder, "all"):
            sums[name].update({k: row[k] for k in ("line_covered", "line_total", "branch_covered", "branch_total")})
    if not sums:
        sys.exit("nothing was counted")
    print(f"{'folder':<28}{'lines':>16}{'':>8}{'branches':>18}")
    for name in sorted(sums, key=lambda n: (n == "all", n)):
        s = sums[name]
        print(f"{name:<28}{s['line_covered']:>8}/{s['line_total']:<7}{percent(s['line_covered'], s['line_total'])}"
              f"{s['branch_covered']:>10}/{s['branch_total']:<7}{percent(s['branch_covered'], s['branch_total'])}")
    print(f"details: {os.path.join(build, 'coverage.html')}")


if __name__ == "__main__":
    main()
