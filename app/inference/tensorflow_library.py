"""Runs graphs in TensorFlow's C library, as importing its Python package takes seconds.

The library is that of the installed package, so the results are the same within float32 rounding.
Its C API is in `tensorflow/c/c_api.h` and `tensorflow/c/eager/c_api.h`, and described at
https://www.tensorflow.org/install/lang_c.
"""

import ctypes
import importlib.util
import os
import weakref
from contextlib import ExitStack
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_ubyte, c_void_p
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
"""In the order in which they are loaded."""

FLOAT = 1
"""TF_FLOAT."""

ALL_OPERATIONS = -1

FUNCTION = b"computed"
"""The name of the function that a graph becomes."""

Array = npt.NDArray[np.float32]


class _Output(ctypes.Structure):
    """TF_Output: a tensor of a graph."""

    _fields_: ClassVar = [("operation", c_void_p), ("index", c_int)]


_FUNCTIONS = {
    "TFE_ContextAddFunction": (None, c_void_p, c_void_p, c_void_p),
    "TFE_DeleteContext": (None, c_void_p),
    "TFE_DeleteContextOptions": (None, c_void_p),
    "TFE_DeleteOp": (None, c_void_p),
    "TFE_DeleteTensorHandle": (None, c_void_p),
    "TFE_Execute": (None, c_void_p, POINTER(c_void_p), POINTER(c_int), c_void_p),
    "TFE_NewContext": (c_void_p, c_void_p, c_void_p),
    "TFE_NewContextOptions": (c_void_p,),
    "TFE_NewOp": (c_void_p, c_void_p, c_char_p, c_void_p),
    "TFE_NewTensorHandle": (c_void_p, c_void_p, c_void_p),
    "TFE_OpAddInput": (None, c_void_p, c_void_p, c_void_p),
    "TFE_TensorHandleResolve": (c_void_p, c_void_p, c_void_p),
    "TF_AllocateTensor": (c_void_p, c_int, POINTER(c_int64), c_int, c_size_t),
    "TF_DeleteBuffer": (None, c_void_p),
    "TF_DeleteFunction": (None, c_void_p),
    "TF_DeleteGraph": (None, c_void_p),
    "TF_DeleteImportGraphDefOptions": (None, c_void_p),
    "TF_DeleteStatus": (None, c_void_p),
    "TF_DeleteTensor": (None, c_void_p),
    "TF_Dim": (c_int64, c_void_p, c_int),
    "TF_GetCode": (c_int, c_void_p),
    "TF_GraphImportGraphDef": (None, c_void_p, c_void_p, c_void_p, c_void_p),
    "TF_GraphOperationByName": (c_void_p, c_void_p, c_char_p),
    "TF_GraphToFunction": (
        *(c_void_p, c_void_p, c_char_p, c_ubyte, c_int, c_void_p),
        *(c_int, POINTER(_Output), c_int, POINTER(_Output)),
        *(c_void_p, c_void_p, c_char_p, c_void_p),
    ),
    "TF_Message": (c_char_p, c_void_p),
    "TF_NewBufferFromString": (c_void_p, c_char_p, c_size_t),
    "TF_NewGraph": (c_void_p,),
    "TF_NewImportGraphDefOptions": (c_void_p,),
    "TF_NewStatus": (c_void_p,),
    "TF_NumDims": (c_int, c_void_p),
    "TF_TensorData": (c_void_p, c_void_p),
    "TF_TensorType": (c_int, c_void_p),
}
"""The type of the result, and those of the arguments."""


class GraphRunner:
    """Runs a graph with one input and one output, both float32.

    The graph runs as a function, as `tf.function` does; a session would print lines to stderr.
    """

    def __init__(self, graph: bytes, source: str, target: str) -> None:
        """Load a graph.

        Args:
            graph: A serialised GraphDef.
            source: The name of the operation that is its input.
            target: The name of the operation that is its output.

        Raises:
            OSError: TensorFlow's library can't be loaded.
            RuntimeError: TensorFlow refuses the graph.
        """
        self._library = library = load_library()
        self._status = library.TF_NewStatus()
        weakref.finalize(self, library.TF_DeleteStatus, self._status)
        options = library.TFE_NewContextOptions()
        self._context = library.TFE_NewContext(options, self._status)
        library.TFE_DeleteContextOptions(options)
        self._check()
        weakref.finalize(self, library.TFE_DeleteContext, self._context)
        loaded = library.TF_NewGraph()
        try:
            self._import(loaded, graph)
            self._define(loaded, self._find(loaded, source), self._find(loaded, target))
        finally:
            library.TF_DeleteGraph(loaded)

    def run(self, values: Array) -> Array:
        """Return the output; not for several threads at once.

        Args:
            values: The input, float32.

        Raises:
            RuntimeError: TensorFlow can't compute it.
        """
        library = self._library
        values = np.ascontiguousarray(values, np.float32)
        with ExitStack() as stack:
            shape = (c_int64 * values.ndim)(*values.shape)
            tensor = library.TF_AllocateTensor(FLOAT, shape, values.ndim, values.nbytes)
            stack.callback(library.TF_DeleteTensor, tensor)
            ctypes.memmove(library.TF_TensorData(tensor), values.ctypes.data, values.nbytes)
            handle = self._checked(library.TFE_NewTensorHandle(tensor, self._status))
            stack.callback(library.TFE_DeleteTensorHandle, handle)
            call = self._checked(library.TFE_NewOp(self._context, FUNCTION, self._status))
            stack.callback(library.TFE_DeleteOp, call)
            library.TFE_OpAddInput(call, handle, self._status)
            self._check()
            results = (c_void_p * 1)()
            library.TFE_Execute(call, results, ctypes.byref(c_int(1)), self._status)
            self._check()
            stack.callback(library.TFE_DeleteTensorHandle, results[0])
            computed = self._checked(library.TFE_TensorHandleResolve(results[0], self._status))
            stack.callback(library.TF_DeleteTensor, computed)
            return self._array(computed)

    def _import(self, loaded: int, graph: bytes) -> None:
        library = self._library
        content = library.TF_NewBufferFromString(graph, len(graph))
        options = library.TF_NewImportGraphDefOptions()
        library.TF_GraphImportGraphDef(loaded, content, options, self._status)
        library.TF_DeleteImportGraphDefOptions(options)
        library.TF_DeleteBuffer(content)
        self._check()

    def _define(self, loaded: int, source: _Output, target: _Output) -> None:
        """Define the function that computes one operation's output from another's."""
        function = self._checked(
            self._library.TF_GraphToFunction(
                *(loaded, FUNCTION, 0, ALL_OPERATIONS, None),
                *(1, ctypes.byref(source), 1, ctypes.byref(target)),
                *(None, None, None, self._status),
            )
        )
        self._library.TFE_ContextAddFunction(self._context, function, self._status)
        self._library.TF_DeleteFunction(function)
        self._check()

    def _find(self, loaded: int, name: str) -> _Output:
        operation = self._library.TF_GraphOperationByName(loaded, name.encode())
        if not operation:
            raise RuntimeError(f"the graph has no operation {name!r}")
        return _Output(operation, 0)

    def _array(self, tensor: int) -> Array:
        """Return a copy of a tensor."""
        library = self._library
        if library.TF_TensorType(tensor) != FLOAT:
            raise RuntimeError("the output is not float32")
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        array = np.empty(shape, np.float32)
        ctypes.memmove(array.ctypes.data, library.TF_TensorData(tensor), array.nbytes)
        return array

    def _checked(self, pointer: int) -> int:
        self._check()
        return pointer

    def _check(self) -> None:
        if self._library.TF_GetCode(self._status):
            raise RuntimeError(self._library.TF_Message(self._status).decode(errors="replace"))


@cache
def load_library() -> ctypes.CDLL:
    """Return TensorFlow's library, with the types of the functions that are used.

    Raises:
        OSError: It can't be found or loaded, or lacks a function.
    """
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.submodule_search_locations:
        raise OSError("the package tensorflow is not installed")
    # As when the package is imported; otherwise the library prints lines that are not JSON.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    folder = Path(spec.submodule_search_locations[0])
    library = [ctypes.CDLL(str(folder / name)) for name in LIBRARIES][-1]
    for name, (result, *arguments) in _FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError as error:
            raise OSError(f"{folder / LIBRARIES[-1]} has no function {name}") from error
        function.restype, function.argtypes = result, arguments
    return library
