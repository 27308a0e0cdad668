"""Prints what collections did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ctl.registry.collect.sizes import human

if TYPE_CHECKING:
    from ctl.collector.report import Report
    from ctl.output import Console
    from ctl.registry.collect.result import Result


def print_report(console: Console, report: Report) -> None:
    """Print what ctl's own collector did: sums; the names with --verbose."""
    verb = "would delete" if report.dry_run else "deleted"
    for line in _lines(report):
        console.say(line)
    for repository, digest in report.manifests:
        console.detail(f"{verb} manifest {repository}@{digest}")
    for digest, size, repository in report.blobs:
        of = f" of {repository}" if repository else ""
        console.detail(f"{verb} blob {digest}{of} ({size:,} bytes)")


def _lines(report: Report) -> Iterable[str]:
    counts = report.counts
    went = _went(report)
    if report.run and not went:
        yield f"brought back {_restored(report) or 'nothing: it is there already'}"
        return
    kept = _kept(report.kept, report.repositories)
    if went:
        verb = "would move" if report.dry_run else "moved" if report.run else "deleted"
        where = "" if verb == "deleted" else " to quarantine"
        size = human(counts.get("bytes_deleted", 0))
        yield f"{verb} {went}{where}, {size}, in {report.seconds:.1f} s{kept}"
    else:
        # what could not be read may be garbage
        yield f"{'nothing was collected' if report.blocked else 'nothing to collect'}{kept}"
    if report.run:
        yield f"    ctl registry-garbage-collect --restore {report.run} brings it back"
    if counts.get("blobs_restored") or counts.get("manifests_restored"):
        blobs, manifests = counts.get("blobs_restored", 0), counts.get("manifests_restored", 0)
        yield f"brought back {count(blobs, 'blob')} and {count(manifests, 'manifest')} that are needed again"
    if counts.get("blobs_recent"):
        yield f"left {count(counts['blobs_recent'], 'blob')} for a later run: new, or in use lately"
    if counts.get("bytes_freed"):
        yield f"freed {human(counts['bytes_freed'])}"


def _went(report: Report) -> str:
    counts = report.counts
    nouns = {
        "manifests_deleted": "manifest",
        "blobs_deleted": "blob",
        "uploads_deleted": "dead upload",
        "links_deleted": "dangling link",
        "repositories_deleted": "empty repository",
    }
    found = [count(counts[name], noun) for name, noun in nouns.items() if counts.get(name)]
    return " and ".join(", ".join(found).rsplit(", ", 1))


def _restored(report: Report) -> str:
    counts = report.counts
    nouns = {"tags": "tag", "manifests": "manifest", "blobs": "blob", "links": "link"}
    found = [(counts.get(f"{name}_restored", 0), noun) for name, noun in nouns.items()]
    return ", ".join(count(number, noun) for number, noun in found if number)


def print_history(console: Console, runs: Iterable[Mapping[str, Any]], held: Iterable[str]) -> None:
    """Print earlier runs, oldest first; those that can be brought back are marked."""
    there, none = set(held), True
    for run in runs:
        none = False
        when = datetime.fromtimestamp(run.get("at", 0) / 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        if run.get("mode") == "interrupted":
            console.result(f"{when}  {'-':<22}  interrupted: {run.get('by', '')}")
            continue
        moved = f"{run.get('manifests_deleted', 0):,} manifests, {run.get('blobs_deleted', 0):,} blobs"
        freed = human(run.get("bytes_freed", 0))
        name = run.get("run") or "-"
        mark = "in quarantine" if name in there else ""
        console.result(f"{when}  {name:<22}  {moved}, freed {freed}  {mark}".rstrip())
    if none:
        console.result("there was no collection yet")


def print_result(console: Console, result: Result) -> None:
    """Print what the registry's own collector did."""
    for repository, digest in result.manifests if result.dry_run else ():
        console.say(f"would delete manifest {repository}@{digest}")
    for digest, size in result.blobs.items() if result.dry_run else ():
        console.say(f"would delete blob {digest}" + (f" ({size:,} bytes)" if size is not None else ""))
    if not result.manifests and not result.blobs:
        console.say(f"nothing to collect{_kept(result.kept, result.repositories)}")
        return
    verb, free = ("would delete", "would free") if result.dry_run else ("deleted", "freed")
    what = count(len(result.blobs), "blob")
    if result.untagged:
        what = f"{count(len(result.manifests), 'manifest')} and {what}"
    unknown = sum(size is None for size in result.blobs.values())
    least = "at least " if unknown else ""
    freed = f", {free} {least}{human(result.bytes_known)}" if result.bytes_known else ""
    console.say(f"{verb} {what}{freed} in {result.seconds:.1f} s{_kept(result.kept, result.repositories)}")
    if unknown:
        console.say(f"the storage driver does not give the size of {count(unknown, 'blob')}")


def _kept(manifests: int, repositories: int) -> str:
    if not repositories:
        return ""
    stay = "stays" if manifests == 1 else "stay"
    return f"; {count(manifests, 'manifest')} in {count(repositories, 'repository')} {stay}"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 tag", "2 repositories"."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{number:,} {noun}s"
