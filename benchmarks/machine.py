"""What the machine does to a measurement, and what is done about it."""

import mmap

_STEP = 16 << 20


def touch_memory(size: int) -> None:
    """Take `size` bytes of memory, write to all of it, and give it back.

    The host of a virtual machine may take away what its guest does not use, a few seconds after the guest freed it. To
    have it back costs more than all that is done with it afterwards: 2 to 6 seconds of CPU for a gigabyte were seen, in
    whichever system call first needs the page, so a run that came after an idle while was slower by half. Memory that
    was touched a moment ago is what the kernel hands out next.
    """
    some = bytes([1]) * _STEP
    with mmap.mmap(-1, size) as memory:
        for place in range(0, size, _STEP):
            part = some[: size - place]
            memory[place : place + len(part)] = part
