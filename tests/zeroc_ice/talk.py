"""A conversation between an Ice server and an Ice client: run by each Python that has a wheel.

    python talk.py tcp
    python talk.py ssl CERTIFICATE.pem KEY.pem

Uses nothing but Ice and the standard library, and what is compiled into Ice: the Slice compiler,
buffers, classes kept that one side does not know, exceptions, asynchronous calls from threads.
Prints "talked over <transport>" at its end.
"""

import array
import gc
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import Ice

SLICE = """
module Talk
{
    sequence<byte> Bytes;
    sequence<short> Shorts;
    sequence<string> Strings;
    dictionary<string, double> Sizes;
    ["preserve-slice"] class Animal { string name; optional(1) Shorts ages; };
    class Cat extends Animal { Animal prey; };
    exception Refused { string reason; };
    interface Post
    {
        Bytes turned(Bytes text);
        Shorts doubled(Shorts numbers);
        Sizes measured(Strings names);
        Animal back(Animal one);
        void refuse(string reason) throws Refused;
    };
};
"""


def load_slice() -> None:
    """Compile the interface and keep what comes of it as the module `Talk`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "talk.ice")
        path.write_text(SLICE, encoding="utf-8")
        Ice.loadSlice(f"--all {path.as_posix()}")


def servant() -> object:
    import Talk  # noqa: PLC0415 (exists once the Slice text is compiled)

    class PostOffice(Talk.Post):
        def turned(self, text, current=None):
            return bytes(reversed(text))

        def doubled(self, numbers, current=None):
            return [2 * number for number in numbers]

        def measured(self, names, current=None):
            return {name: len(name) / 2 for name in names}

        def back(self, one, current=None):
            return one

        def refuse(self, reason, current=None):
            raise Talk.Refused(reason)

    return PostOffice()


class Echo(Ice.Blobject):
    """Takes calls of any kind without knowing their interface."""

    def ice_invoke(self, request, current):
        return True, request


def settings(transport: str, files: list[str]) -> Ice.InitializationData:
    data = Ice.InitializationData()
    data.properties = Ice.createProperties()
    data.properties.setProperty("Ice.Warn.Connections", "1")
    data.properties.setProperty("Ice.ThreadPool.Server.SizeMax", "4")
    if transport == "ssl":
        data.properties.setProperty("Ice.Plugin.IceSSL", "IceSSL:createIceSSL")
        data.properties.setProperty("IceSSL.VerifyPeer", "0")
        if files:
            data.properties.setProperty("IceSSL.CertFile", files[0])
            data.properties.setProperty("IceSSL.KeyFile", files[1])
    return data


def converse(proxy: Ice.ObjectPrx, transport: str) -> None:
    import Talk  # noqa: PLC0415

    proxy.ice_ping()
    assert proxy.ice_getConnection().type() == transport
    post = Talk.PostPrx.checkedCast(proxy)
    assert proxy.ice_isA("::Talk::Post")

    big = bytes(range(256)) * 2048
    assert bytes(post.turned(big)) == big[::-1]
    assert bytes(post.turned(memoryview(big)[:7])) == big[6::-1]
    assert list(post.doubled(array.array("h", [1, -2, 300]))) == [2, -4, 600]
    assert list(post.doubled([1, 2])) == [2, 4]
    assert post.measured(["zellkern", "µm"]) == {"zellkern": 4.0, "µm": 1.0}

    mouse = Talk.Animal("mouse", array.array("h", [1]))
    cat = post.back(Talk.Cat("cat", [3, 4], mouse))
    assert isinstance(cat, Talk.Cat)
    assert (cat.name, list(cat.ages), cat.prey.name, list(cat.prey.ages)) == (
        "cat",
        [3, 4],
        "mouse",
        [1],
    )

    try:
        post.refuse("closed")
    except Talk.Refused as error:
        assert error.reason == "closed"  # noqa: PT017 (no pytest here)
    else:
        raise AssertionError("the exception did not arrive")

    done = threading.Event()
    answers = []
    post.begin_doubled(
        [21], lambda numbers: (answers.append(list(numbers)), done.set()), lambda _: done.set()
    )
    assert done.wait(30)
    assert answers == [[42]]

    with ThreadPoolExecutor(8) as pool:
        turned = list(pool.map(lambda i: bytes(post.turned(bytes([i, 0]))), range(200)))
    assert turned == [bytes([0, i]) for i in range(200)]


def main() -> None:
    transport, *files = sys.argv[1:]
    load_slice()
    server = Ice.initialize(settings(transport, files))
    client = Ice.initialize(settings(transport, []))
    try:
        adapter = server.createObjectAdapterWithEndpoints("", f"{transport} -h 127.0.0.1 -p 0")
        post = adapter.add(servant(), server.stringToIdentity("post"))
        echo = adapter.add(Echo(), server.stringToIdentity("echo"))
        adapter.activate()
        converse(client.stringToProxy(post.ice_toString()), transport)
        proxy = client.stringToProxy(echo.ice_toString())
        # an encapsulation: its length, its encoding, its content; the servant gives back all of it
        sent = b"\x0a\x00\x00\x00\x01\x01" + b"blob"
        assert proxy.ice_invoke("anything", Ice.OperationMode.Normal, sent) == (True, sent)
        try:
            client.stringToProxy(3)
        except ValueError as error:  # Ice names the function it was called in
            assert "expects a string" in str(error)  # noqa: PT017 (no pytest here)
        else:
            raise AssertionError("a number was taken for a proxy")
    finally:
        client.destroy()
        server.destroy()
    gc.collect()
    sys.stdout.write(f"talked over {transport}\n")


if __name__ == "__main__":
    main()
