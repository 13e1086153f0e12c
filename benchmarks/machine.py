"""What the machine does to a measurement, and what is done about it."""

import tempfile

_PART = bytes(range(256)) * (1 << 12)


def touch_memory(size: int) -> None:
    """Have the system's file cache use `size` bytes of memory, and give them back.

    The host of a virtual machine may take away what its guest does not use, a second or two after the guest freed it. To
    have it back costs more than all that is done with it afterwards: 1 to 3 seconds of CPU for a gigabyte were seen, in
    whichever system call first needs the page, so a run that came after an idle while was slower by half. Memory that
    was used a moment ago is what the kernel hands out next. So this is called at the last moment, and what is measured
    then is over before the host is back.
    """
    # The first time has the memory back; the second time is over so soon that all of it is still there.
    for _ in range(2):
        with tempfile.TemporaryFile(buffering=0) as file:
            for _ in range(size // len(_PART)):
                file.write(_PART)
