"""A server that dies while a decision is committed: that nobody knows whether it was stored is said (row 48)."""

import json
import shutil
from collections.abc import Iterator

import pytest

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.errors import CatalogError
from lineage_pipelines_tests.bad_input.lossy_server import lossy_wire
from lineage_pipelines_tests.bad_input.project import TO, Done, Project, check_refused
from lineage_pipelines_tests.postgres_server import Server, server
from lineage_pipelines_tests.samples import make_record


@pytest.fixture(scope="module")
def mortal() -> Iterator[Server]:
    """A server that may be killed."""
    with server() as made:
        yield made


@pytest.fixture
def team(mortal: Server, project: Project) -> Iterator[Project]:
    """The project, with its catalog on that server, and ann's key."""
    shutil.rmtree(project.root / ".lineage")
    with mortal.database() as name:
        own = Project(project.root, {"LINEAGE_CATALOG": mortal.url(name)})
        with Catalog(mortal.url(name), keys=project.root / ".lineage" / "keys") as catalog:
            for run in "12":
                catalog.append(make_record(run=run))
        assert own.run("key", "new", "--owner", "ann@example.org", "--output", "ann.pem").returncode == 0
        yield own


def lost(team: Project, mortal: Server, *words: str, heard: bool) -> Done:
    """Run a command whose commit is lost on the way; return what it said, with the server up again."""
    with lossy_wire(mortal, heard=heard) as port:
        url = team.env["LINEAGE_CATALOG"].replace(str(mortal.port), str(port))
        done = team.run(*words, env={"LINEAGE_CATALOG": url})
    mortal.start()
    return done


UNKNOWN = [
    "whether this was stored is not known",
    "look (lineage history MODEL, lineage key list) before you repeat it",
]


@pytest.mark.parametrize("heard", [True, False])
def test_a_decision_that_was_lost_says_that_it_may_be_there(team: Project, mortal: Server, heard: bool) -> None:
    check_refused(lost(team, mortal, "promote", "flight_delay@1", *TO, heard=heard), 3, UNKNOWN)
    decided = json.loads(team.run("history", "flight_delay", "--format", "json").stdout)
    assert [row["version"] for row in decided] == ([1] if heard else [])
    assert team.run("verify", "--quick").returncode == 0


@pytest.mark.parametrize("heard", [True, False])
def test_an_approval_that_was_lost_says_so_too(team: Project, mortal: Server, heard: bool) -> None:
    words = ("approve", "flight_delay@1", *TO, "--key", "ann.pem")
    check_refused(lost(team, mortal, *words, heard=heard), 3, UNKNOWN)
    given = json.loads(team.run("history", "flight_delay", "--format", "json").stdout)
    assert len(given) == heard


@pytest.mark.parametrize("heard", [True, False])
def test_a_key_whose_introduction_was_lost_is_kept(team: Project, mortal: Server, heard: bool) -> None:
    """Thrown away, a key that the log knows would be nobody's."""
    new = ("key", "new", "--owner", "bob@example.org", "--output", "bob.pem")
    check_refused(lost(team, mortal, *new, heard=heard), 3, UNKNOWN)
    assert (team.root / "bob.pem").is_file()
    again = team.run(*new, "--existing")
    assert again.returncode == (3 if heard else 0)
    owners = [row["owner"] for row in json.loads(team.run("key", "list", "--format", "json").stdout)]
    assert owners == [None, "ann@example.org", "bob@example.org"]


def test_a_server_that_is_away_from_the_start_is_told(team: Project, mortal: Server) -> None:
    mortal.kill()
    try:
        done = team.run("promote", "flight_delay@1", *TO)
    finally:
        mortal.start()
    check_refused(done, 3, ["the catalog's server cannot be reached", "check that PostgreSQL is running"])
    assert json.loads(team.run("history", "flight_delay", "--format", "json").stdout) == []


def test_a_server_that_goes_away_before_the_commit_has_stored_nothing(team: Project, mortal: Server) -> None:
    with Catalog(team.env["LINEAGE_CATALOG"], keys=team.root / ".lineage" / "keys") as catalog:
        mortal.kill()
        try:
            with pytest.raises(CatalogError, match="nothing was stored"):
                catalog.registry.revoke_key("0" * 64, "stolen")
        finally:
            mortal.start()
