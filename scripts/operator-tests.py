"""Writes the operator tests that the Python package onnx makes to a folder, for scripts/operator-tests.mjs.

    pip install onnx && python scripts/operator-tests.py FOLDER
"""

import os
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

folder = sys.argv[1]
count = 0
for case in collect_testcases(None):
    if case.model is None or not case.data_sets:
        continue
    place = os.path.join(folder, case.name)
    os.makedirs(place, exist_ok=True)
    onnx.save(case.model, os.path.join(place, "model.onnx"))
    inputs, outputs = case.data_sets[0]
    for kind, infos, values in (("input", case.model.graph.input, inputs), ("output", case.model.graph.output, outputs)):
        for index, (info, value) in enumerate(zip(infos, values)):
            # What is no tensor (a list, or nothing) is left out, and its case counted as not taken.
            if isinstance(value, onnx.TensorProto):
                tensor = value
            elif isinstance(value, (np.ndarray, np.generic)):
                tensor = numpy_helper.from_array(np.asarray(value), info.name)
            else:
                continue
            with open(os.path.join(place, f"{kind}_{index}.pb"), "wb") as file:
                file.write(tensor.SerializeToString())
    count += 1
print(count)
