"""Runs graphs in TensorFlow's C library, as importing its Python package takes seconds.

The library is that of the installed package, so the results are the same to the last bit. Its C API
is stable: https://www.tensorflow.org/install/lang_c, `tensorflow/c/c_api.h`.
"""

import ctypes
import importlib.util
import os
import weakref
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

LIBRARIES = ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
"""In the order in which they are loaded."""

FLOAT = 1
"""TF_FLOAT."""

Array = npt.NDArray[np.float32]


class _Output(ctypes.Structure):
    """TF_Output: a tensor of a graph."""

    _fields_: ClassVar = [("operation", c_void_p), ("index", c_int)]


_FUNCTIONS = {
    "TF_AllocateTensor": (c_void_p, c_int, POINTER(c_int64), c_int, c_size_t),
    "TF_CloseSession": (None, c_void_p, c_void_p),
    "TF_DeleteBuffer": (None, c_void_p),
    "TF_DeleteGraph": (None, c_void_p),
    "TF_DeleteImportGraphDefOptions": (None, c_void_p),
    "TF_DeleteSession": (None, c_void_p, c_void_p),
    "TF_DeleteSessionOptions": (None, c_void_p),
    "TF_DeleteStatus": (None, c_void_p),
    "TF_DeleteTensor": (None, c_void_p),
    "TF_Dim": (c_int64, c_void_p, c_int),
    "TF_GetCode": (c_int, c_void_p),
    "TF_GraphImportGraphDef": (None, c_void_p, c_void_p, c_void_p, c_void_p),
    "TF_GraphOperationByName": (c_void_p, c_void_p, c_char_p),
    "TF_Message": (c_char_p, c_void_p),
    "TF_NewBufferFromString": (c_void_p, c_char_p, c_size_t),
    "TF_NewGraph": (c_void_p,),
    "TF_NewImportGraphDefOptions": (c_void_p,),
    "TF_NewSession": (c_void_p, c_void_p, c_void_p, c_void_p),
    "TF_NewSessionOptions": (c_void_p,),
    "TF_NewStatus": (c_void_p,),
    "TF_NumDims": (c_int, c_void_p),
    "TF_SessionRun": (
        *(None, c_void_p, c_void_p),
        *(POINTER(_Output), POINTER(c_void_p), c_int),
        *(POINTER(_Output), POINTER(c_void_p), c_int),
        *(c_void_p, c_int, c_void_p, c_void_p),
    ),
    "TF_TensorData": (c_void_p, c_void_p),
    "TF_TensorType": (c_int, c_void_p),
}
"""The type of the result, and those of the arguments."""


class GraphRunner:
    """Runs a graph with one input of one axis and one output, both float32."""

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
        self._graph = library.TF_NewGraph()
        weakref.finalize(self, library.TF_DeleteStatus, self._status)
        weakref.finalize(self, library.TF_DeleteGraph, self._graph)
        self._import(graph)
        options = library.TF_NewSessionOptions()
        self._session = library.TF_NewSession(self._graph, options, self._status)
        library.TF_DeleteSessionOptions(options)
        self._check()
        # Called in the reverse order: first the session, then what it uses.
        weakref.finalize(self, library.TF_DeleteSession, self._session, self._status)
        weakref.finalize(self, library.TF_CloseSession, self._session, self._status)
        self._source, self._target = self._find(source), self._find(target)

    def run(self, values: Array) -> Array:
        """Return the output; not for several threads at once.

        Args:
            values: The input, (length,) float32.

        Raises:
            RuntimeError: TensorFlow can't compute it.
        """
        library = self._library
        values = np.ascontiguousarray(values, np.float32)
        given = library.TF_AllocateTensor(FLOAT, (c_int64 * 1)(len(values)), 1, values.nbytes)
        computed = (c_void_p * 1)()
        try:
            ctypes.memmove(library.TF_TensorData(given), values.ctypes.data, values.nbytes)
            library.TF_SessionRun(
                *(self._session, None),
                *(ctypes.byref(self._source), (c_void_p * 1)(given), 1),
                *(ctypes.byref(self._target), computed, 1),
                *(None, 0, None, self._status),
            )
            self._check()
            return self._array(computed[0])
        finally:
            library.TF_DeleteTensor(given)
            library.TF_DeleteTensor(computed[0])  # nothing if it is NULL

    def _import(self, graph: bytes) -> None:
        library = self._library
        content = library.TF_NewBufferFromString(graph, len(graph))
        options = library.TF_NewImportGraphDefOptions()
        library.TF_GraphImportGraphDef(self._graph, content, options, self._status)
        library.TF_DeleteImportGraphDefOptions(options)
        library.TF_DeleteBuffer(content)
        self._check()

    def _find(self, name: str) -> _Output:
        operation = self._library.TF_GraphOperationByName(self._graph, name.encode())
        if not operation:
            raise RuntimeError(f"the graph has no operation {name!r}")
        return _Output(operation, 0)

    def _array(self, tensor: int | None) -> Array:
        """Return a copy of a tensor."""
        library = self._library
        if library.TF_TensorType(tensor) != FLOAT:
            raise RuntimeError("the output is not float32")
        shape = [library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor))]
        array = np.empty(shape, np.float32)
        ctypes.memmove(array.ctypes.data, library.TF_TensorData(tensor), array.nbytes)
        return array

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
