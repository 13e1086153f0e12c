"""Python scripts on the server: kept, asked for their parameters, run as who asks."""

from typing import Any

import omero
import omero.clients
import omero.grid
import omero.model
import omero.scripts
import pytest
from omero.rtypes import rint, rlong, rstring, unwrap

COUNT = """
import sys
import omero.scripts as scripts
from omero.rtypes import rlong, rstring

client = scripts.client(
    "Count.py", "Counts the datasets of a name.",
    scripts.String("Name", optional=False, description="Which"),
    scripts.Long("Factor", default=2, min=1, max=9),
    scripts.String("How", values=[rstring("fast"), rstring("slow")], optional=True),
    scripts.Long("Count").out(),
    version="1.2", authors=["A. Person"],
)
try:
    name, factor = client.getInput("Name").val, client.getInput("Factor").val
    found = client.sf.getQueryService().findAllByString("Dataset", "name", name, True, None)
    print("looked for", name)
    print("as", client.sf.getAdminService().getEventContext().userName, file=sys.stderr)
    client.setOutput("Count", rlong(len(found) * factor))
    client.setOutput("Message", rstring("done"))
finally:
    client.closeSession()
"""
ENDLESS = """
import omero.scripts as scripts, time
client = scripts.client("Endless.py", "Never ends.")
client.setOutput("begun", scripts.rstring("yes"))
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def root(omero_server: Any) -> Any:
    client = omero.client(omero_server.host, omero_server.port)
    client.createSession(omero_server.user, omero_server.password)
    yield client
    client.closeSession()


@pytest.fixture
def official(root: Any, request: pytest.FixtureRequest) -> Any:
    """Give a function that puts a script among the official ones, until the end of the test."""
    made = []

    def put(text: str, name: str = "Count.py") -> int:
        path = f"/test/{request.node.name}/{name}"
        made.append(root.sf.getScriptService().uploadOfficialScript(path, text))
        return int(made[-1])

    yield put
    for script in made:
        root.sf.getScriptService().deleteScript(script)


def text_of(client: Any, output: Any) -> str:
    store = client.sf.createRawFileStore()
    store.setFileId(output.val.id.val)
    text = store.read(0, store.size()).decode()
    store.close()
    return str(text)


def test_a_script_tells_what_it_takes(omero_client: Any, official: Any) -> None:
    params = omero_client.sf.getScriptService().getParams(official(COUNT))
    assert (params.name, params.description) == ("Count.py", "Counts the datasets of a name.")
    assert (params.version, params.authors) == ("1.2", ["A. Person"])
    assert sorted(params.inputs) == ["Factor", "How", "Name"]
    assert not params.inputs["Name"].optional
    assert unwrap(params.inputs["Factor"].prototype) == 2
    assert unwrap(params.inputs["How"].values) == ["fast", "slow"]
    assert list(params.outputs) == ["Count"]


def test_a_script_runs_as_who_asks_and_gives_its_outputs_and_what_it_printed(
    omero_client: Any, official: Any
) -> None:
    dataset = omero.model.DatasetI()
    dataset.name = rstring("mine")
    omero_client.sf.getUpdateService().saveObject(dataset)
    scripts = omero_client.sf.getScriptService()
    process = scripts.runScript(official(COUNT), {"Name": rstring("mine")}, None)
    callback = omero.scripts.ProcessCallbackI(omero_client, process)
    while callback.block(500) is None:
        pass
    assert unwrap(process.poll()) == 0
    results = process.getResults(0)
    assert {n: unwrap(v) for n, v in results.items() if "std" not in n} == {
        "Count": 2,
        "Message": "done",
    }
    assert text_of(omero_client, results["stdout"]) == "looked for mine\n"
    name = omero_client.sf.getAdminService().getEventContext().userName
    assert text_of(omero_client, results["stderr"]) == f"as {name}\n"
    job = process.getJob()
    parameters = omero.sys.ParametersI().addId(job.id.val)
    query = "select j from ScriptJob j join fetch j.status where j.id = :id"
    job = omero_client.sf.getQueryService().findByQuery(query, parameters)
    assert job.status.value.val == "Finished"
    files = "select f.name from ScriptJob j join j.originalFileLinks l join l.child f where j.id = :id"  # fmt: skip
    found = omero_client.sf.getQueryService().projection(files, parameters, {"omero.group": "-1"})
    assert sorted(unwrap(row[0]) for row in found) == ["Count.py", "stderr", "stdout"]
    process.close(False)
    callback.close()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "Missing input: Name"),
        ({"Name": rlong(1)}, "Wrong type for Name"),
        ({"Name": rstring("a"), "Factor": rlong(10)}, "Factor: 10 is above 9"),
        ({"Name": rstring("a"), "How": rstring("idly")}, "How: idly is not allowed"),
    ],
)
def test_wrong_inputs_are_told_before_anything_runs(
    omero_client: Any, official: Any, inputs: dict[str, Any], said: str
) -> None:
    scripts = omero_client.sf.getScriptService()
    with pytest.raises(omero.ValidationException, match=said):
        scripts.runScript(official(COUNT), inputs, None)


def test_a_script_that_fails_says_so_by_its_status_and_its_standard_error(
    omero_client: Any, official: Any
) -> None:
    text = COUNT.replace("print(", "raise ValueError('no such luck')\n    print(", 1)
    process = omero_client.sf.getScriptService().runScript(
        official(text), {"Name": rstring("a")}, rint(5)
    )
    assert process.wait() == 1
    assert "ValueError: no such luck" in text_of(omero_client, process.getResults(0)["stderr"])


def test_a_script_that_never_ends_is_ended(omero_client: Any, official: Any) -> None:
    process = omero_client.sf.getScriptService().runScript(official(ENDLESS), {}, None)
    assert process.poll() is None
    with pytest.raises(omero.ApiUsageException, match="still running"):
        process.getResults(0)
    callback = omero.scripts.ProcessCallbackI(omero_client, process)
    process.kill()
    assert process.wait() != 0
    while (ended := callback.block(500)) is None:
        pass
    assert ended in (callback.KILLED, callback.FINISHED)


def test_a_text_that_is_no_script_tells_no_parameters(omero_client: Any, official: Any) -> None:
    with pytest.raises(omero.ValidationException, match="SyntaxError"):
        omero_client.sf.getScriptService().getParams(official("this is no Python"))


def test_users_keep_scripts_but_only_official_ones_are_run(
    omero_client: Any, official: Any
) -> None:
    scripts = omero_client.sf.getScriptService()
    own = scripts.uploadScript("/mine/Count.py", COUNT)
    assert [s.id.val for s in scripts.getUserScripts([])] == [own]
    assert not scripts.canRunScript(own)
    with pytest.raises(omero.ResourceError, match="No processor available"):
        scripts.runScript(own, {"Name": rstring("a")}, None)
    with pytest.raises(omero.SecurityViolation):
        scripts.uploadOfficialScript("/mine/Count.py", COUNT)
    known = official(COUNT, "Known.py")
    assert scripts.canRunScript(known)
    assert known in [s.id.val for s in scripts.getScripts()]
    assert scripts.getScriptText(known) == COUNT
    assert [s.val.id.val for s in scripts.getScriptWithDetails(known).values()] == [known]
    # One that is not there has no text.
    assert scripts.getScriptText(10**9) == ""
    assert scripts.getScriptWithDetails(10**9) == {}
    with pytest.raises(omero.ApiUsageException):
        scripts.getParams(10**9)


def test_the_scripts_of_the_package_are_official_ones(omero_client: Any) -> None:
    pytest.importorskip("omero.figure_scripts")
    service = omero_client.sf.getScriptService()
    script = service.getScriptID("/omero/figure_scripts/Split_View_Figure.py")
    assert script > 0
    assert "import omero.scripts as scripts" in service.getScriptText(script)
    assert "Split_Indexes" in service.getParams(script).inputs


def test_a_script_is_known_by_its_address_to_another_client_of_the_session(
    omero_server: Any, omero_client: Any, official: Any
) -> None:
    """So OMERO.web follows it: each request of a browser is a client of its own."""
    script = official(COUNT)
    process = omero_client.sf.getScriptService().runScript(script, {"Name": rstring("x")}, None)
    address = str(process)
    assert address.startswith("ProcessCallback/")
    other = omero.client(omero_server.host, omero_server.port)
    other.joinSession(omero_client.getSessionId())
    found = omero.grid.ScriptProcessPrx.checkedCast(other.ic.stringToProxy(address))
    callback = omero.scripts.ProcessCallbackI(other, found)
    while callback.block(500) is None:
        pass
    assert unwrap(found.getResults(0)["Count"]) == 0
    callback.close()
    other.closeSession()
