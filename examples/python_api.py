"""A triage from Python: logs into a warehouse, what was found, who moved where, and one question in SQL.

python examples/python_api.py case42 ./triage
"""
# ruff: noqa: T201

from __future__ import annotations

import sys

import wmiwarehouse


def main(folder: str, *logs: str) -> None:
    """Ingest *logs*, if there are any, into the warehouse at *folder* and print what is in it."""
    with wmiwarehouse.open(folder, create=True) as warehouse:
        if logs:
            summary = warehouse.ingest(logs)
            print(f"{summary.records:,} records of {summary.hosts} hosts, {len(summary.problems)} problems")
            for file, position, reason, _ in summary.problems:
                print(f"  {file!a} {position}: {reason}")

        print("\nwhat was found, and on how many hosts it could be seen:")
        for line in warehouse.hunt_all(kind=["detection", "chain"], min_severity="medium"):
            if line.hits:
                print(f"  {line.severity:8} {line.analytic:42} {line.hits:6,}  data seen on {line.data_seen_on}")

        print("\nwho moved where:")
        acts = warehouse.hunt("lateral_movement", since="30d")
        for act in acts:  # a dict for each row; acts.arrow() and acts.pandas() have them as a table
            # Names come from logs, and whoever wrote those may have put terminal escapes into them: !a shows them.
            print(f"  {act['first']!s:.19} {act['source']!a} -> {act['target']!a} as {act['user']!a}")
        for note in acts.notes:  # without any rows: what that is worth
            print(f"  {note}")

        print("\nrare children of WmiPrvSE.exe:")
        question = """
            select process_name, count(*) as times, count(distinct host) as hosts
            from process_creation
            where parent_process_name = $parent
            group by process_name
            having count(distinct host) <= $rare
            order by hosts, times, process_name
        """
        for row in warehouse.sql(question, {"parent": "wmiprvse.exe", "rare": 2}):
            print(f"  {row['process_name']!a} {row['times']} times on {row['hosts']} hosts")


if __name__ == "__main__":  # ingest starts processes, and each of them imports this file
    try:
        main(*sys.argv[1:])
    except wmiwarehouse.WmiwhError as error:
        sys.exit(ascii(error.message))
