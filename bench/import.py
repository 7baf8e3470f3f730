#!/usr/bin/env python3
"""(b) Importing a list, beside the sqlite3 shell's .import into a table with a unique index.

Broadside validates every address, finds duplicates and keeps the rows that are wrong;
.import does none of it. The same file for both: 8 columns, 2,000 domains, the addresses
in no order. Wanted: at least as many rows a second.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import measure

COLUMNS = "email,first_name,last_name,city,plan,customer_no,orders,points"


def write_list(path, rows):
    """In the order of a multiplicative hash, as a real list is in none."""
    program = r'''BEGIN {
      split("Ada Björn Chloé Dmitri Emre Fatima Gaël Hana Ivo Jun", first, " ")
      split("Hamburg,Lyon,Porto,Brno,Aarhus,Gent,Torino,Łódź,Bristol", city, ",")
      print columns
      for (i = 0; i < n; i++) {
        k = (i * 7368787) % 9999991
        printf "user%07d@d%04d.example,%s,Müller,%s,%s,%d,%d,%d\n", k, k % 2000,
          first[k % 10 + 1], city[k % 9 + 1], k % 3 ? "free" : "pro", 100000 + k, k % 19, k % 5000
      }
    }'''
    with open(path, "wb") as to:
        subprocess.run(["awk", "-v", f"n={rows}", "-v", f"columns={COLUMNS}", program],
                       stdout=to, check=True)


def fresh(folder, name):
    for file in folder.glob(f"{name}.db*"):
        file.unlink()
    return folder / f"{name}.db"


def figures(cost, rows):
    return {"rows": rows, "seconds": round(cost.wall, 3), "per_s": round(rows / cost.wall),
            "cpu_us": round(cost.cpu / rows * 1e6, 3), "rss_mib": round(cost.rss_mib, 1)}


def run_broadside(folder, file, rows):
    cost, out = measure.run([measure.BINARY, "--db", fresh(folder, "broadside"), "--quiet",
                             "import", "customers", file, "--format", "json"])
    if json.loads(out)["imported"] != rows:
        sys.exit(f"bench: not all of {rows} rows were imported: {out}")
    return figures(cost, rows)


def run_sqlite(folder, file, rows):
    columns = ", ".join(f"{name} TEXT" for name in COLUMNS.split(","))
    cost, out = measure.run([
        "sqlite3", fresh(folder, "sqlite"), "-cmd", f"CREATE TABLE customers ({columns})",
        "-cmd", "CREATE UNIQUE INDEX by_email ON customers (email)",
        "-cmd", f".import --csv --skip 1 {file} customers", "SELECT count(*) FROM customers"])
    if out.strip() != str(rows):
        sys.exit(f"bench: not all of {rows} rows were imported: {out}")
    return figures(cost, rows)


def report(found, options):
    rows = [["", "rows", "rows/s", "CPU-us/row", "peak MiB", "ratio rows/s"]]
    ours = found["broadside"]
    for name, one in found.items():
        rows.append([name, f"{one['rows']:,.0f}", f"{one['per_s']:,.0f}", f"{one['cpu_us']:.2f}",
                     f"{one['rss_mib']:.0f}", f"{ours['per_s'] / one['per_s']:.2f}"])
    lines = [f"import of 8 columns, medians of {options.rounds} rounds", *measure.table(rows)]
    if "sqlite3 .import" in found:
        ratio = ours["per_s"] / found["sqlite3 .import"]["per_s"]
        lines.append(f"{'ok' if ratio >= 1 else 'MISSED'}: {ratio:.2f} times .import, wanted 1")
    measure.save("import", lines, {"options": vars(options), "found": found})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    runs = {"broadside": [], "sqlite3 .import": []}
    with tempfile.TemporaryDirectory(prefix="broadside-bench-") as place:
        folder = pathlib.Path(place)
        file = folder / "customers.csv"
        write_list(file, options.rows)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
            runs["broadside"].append(run_broadside(folder, file, options.rows))
            if shutil.which("sqlite3"):
                runs["sqlite3 .import"].append(run_sqlite(folder, file, options.rows))
    report({name: measure.summary(name, all) for name, all in runs.items() if all}, options)


if __name__ == "__main__":
    main()
