"""Networks of other projects: ONNX, TFLite, TensorFlow and OpenVINO files, in a canonical form.

    file --(checked, read, cut, reshaped in a process of its own)--> OpenVINO IR in canonical form

In that form a network has one input, `windows` (batch, *window) float32, and one output, `outputs`
(batch, tags + embedding) float32: the scores of each window, then its embedding. A head has the
input (batch, embedding). A network that takes only batches of one size keeps it.
"""
