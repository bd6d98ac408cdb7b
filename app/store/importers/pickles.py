"""Reads pickles of plain values without Python's unpickler, which runs code that a file names.

It supports only the instructions that build dictionaries, lists and tuples of numbers, strings and
objects that the caller allows by name. A file with any other instruction or name is refused.
"""

from collections.abc import Callable, Mapping
from io import BytesIO
from itertools import islice
from pickletools import genops
from typing import Any

from app.errors import WeightsError

MAX_INSTRUCTIONS = 2**18
"""Most instructions of a pickle; a tensor takes about forty."""


def read_pickle(
    file: BytesIO,
    names: Mapping[str, object] | None = None,
    resolve: Callable[[Any], object] | None = None,
) -> object:
    """Read one pickle from the current position of a file, and return its value.

    Args:
        file: The file.
        names: Replacements of the functions and classes that it may use, by `module name`.
        resolve: Returns the object of a persistent id.

    Raises:
        WeightsError: It uses other instructions or names.
        ValueError, TypeError, LookupError, AttributeError: It is not a pickle, or is damaged.
    """
    machine = _Machine(names or {}, resolve)
    for opcode, argument, _ in islice(genops(file), MAX_INSTRUCTIONS):
        if opcode.name == "STOP":
            return machine.stack.pop()
        if opcode.name not in _STEPS:
            raise _refusal(opcode.name)
        _STEPS[opcode.name](machine, argument)
    raise _refusal(f"more than {MAX_INSTRUCTIONS:,} instructions")


class _Machine:
    """The state of the pickle machine.

    Attributes:
        stack: Values for the next instructions.
        marks: Positions in the stack at which lists of values begin.
        memo: Values that are used again.
    """

    def __init__(
        self, names: Mapping[str, object], resolve: Callable[[Any], object] | None
    ) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self._names = names
        self._resolve = resolve

    def push(self, value: object) -> None:
        self.stack.append(value)

    def take(self, count: int) -> list[Any]:
        """Remove `count` values from the stack, and return them.

        Raises:
            IndexError: There are fewer.
        """
        start = len(self.stack) - count
        if start < 0:
            raise IndexError("the stack is empty")
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def take_marked(self) -> list[Any]:
        """Remove the values since the last mark, and return them."""
        return self.take(len(self.stack) - self.marks.pop())

    def put(self, number: int) -> None:
        self.memo[number] = self.stack[-1]

    def get(self, number: int) -> None:
        self.push(self.memo[number])

    def extend(self, values: list[Any]) -> None:
        """Append values to the list on top of the stack."""
        list.extend(self.stack[-1], values)

    def update(self, items: list[Any]) -> None:
        """Add keys and values to the dictionary on top of the stack.

        Raises:
            TypeError: A key is neither a string nor an integer.
        """
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int):  # hashing nested tuples can take exponential time
                raise TypeError("a key is neither a string nor an integer")
            dict.__setitem__(self.stack[-1], key, value)

    def look_up(self, name: str) -> None:
        if name not in self._names:
            raise _refusal(name)
        self.push(self._names[name])

    def call(self) -> None:
        function, arguments = self.take(2)
        self.push(function(*arguments))

    def resolve(self) -> None:
        if self._resolve is None:
            raise _refusal("a persistent id")
        self.push(self._resolve(self.stack.pop()))


def _refusal(found: str) -> WeightsError:
    return WeightsError(
        f"the file contains more than tensors, possibly code ({found!r:.80}), which was not run; "
        "expected a state dict"
    )


_LITERALS = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE")
_STEPS: Mapping[str, Callable[[_Machine, Any], object]] = {
    "PROTO": lambda *_: None,
    **dict.fromkeys(_LITERALS, _Machine.push),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.take_marked())),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.take(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.take(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.take(3))),
    "APPEND": lambda machine, _: machine.extend(machine.take(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.take_marked()),
    "SETITEM": lambda machine, _: machine.update(machine.take(2)),
    "SETITEMS": lambda machine, _: machine.update(machine.take_marked()),
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.look_up,
    "BINPERSID": lambda machine, _: machine.resolve(),
    "REDUCE": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.take(1),  # attributes, which plain values do not have
}
"""The implementation of each instruction."""
