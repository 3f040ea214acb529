"""A triage from Python: logs into a warehouse, what was found, who moved where, and one question in SQL.

python examples/python_api.py case42 ./triage
"""

from __future__ import annotations

import sys

import wmiwarehouse


def main(folder: str, *logs: str) -> None:
    with wmiwarehouse.open(folder, create=True) as warehouse:
        if logs:
            summary = warehouse.ingest(logs)
            print(f"{summary.records:,} records of {summary.hosts} hosts, {len(summary.problems)} problems")
            for file, position, reason, _ in summary.problems:
                print(f"  {ascii(file)} {position}: {reason}")

        for line in warehouse.hunt_all(kind=["detection", "chain"], min_severity="medium"):
            if line.hits:
                print(f"{line.severity:8} {line.analytic:45} {line.hits:6,}  data seen on {line.data_seen_on}")

        acts = warehouse.hunt("lateral_movement", since="30d")
        for act in acts:  # a dict for each row; acts.arrow() and acts.pandas() have them as a table
            # Names come from logs, and whoever wrote those may have put terminal escapes into them: ascii() shows them.
            print(f"{act['start_time']:%Y-%m-%d %H:%M:%S}", ascii(act["source_host"]), "->", ascii(act["target_host"]))
        for note in acts.notes:  # without any rows: what that is worth
            print(note)

        rare = warehouse.sql(
            """
            select process_name, count(*) as times, count(distinct host) as hosts
            from process_creation
            where parent_process_name = $parent
            group by process_name
            order by hosts, times, process_name
            """,
            {"parent": "wmiprvse.exe"},
        )
        print(f"children of WmiPrvSE.exe: {', '.join(ascii(row['process_name']) for row in rare) or 'none'}")


if __name__ == "__main__":  # ingest starts processes, and each of them imports this file
    try:
        main(*sys.argv[1:])
    except wmiwarehouse.WmiwhError as error:
        sys.exit(f"{error}")
