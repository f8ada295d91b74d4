"""Times lleaves on a model file of LightGBM and rows of numpy: arguments MODEL ROWS, JSON on standard output."""

import json
import sys
from importlib.metadata import version

import lleaves
import numpy as np
from timing import least_seconds

model = lleaves.Model(model_file=sys.argv[1])
model.compile()
rows = np.load(sys.argv[2])
print(json.dumps({"version": version("lleaves"), "seconds": least_seconds(lambda: model.predict(rows, n_jobs=1))}))
