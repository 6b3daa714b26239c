// A requiring consumer with every check of TypeScript on.
import lanewise = require('lanewise');
import kernels = require('lanewise/kernels');

const layer: lanewise.Layer = new lanewise.Sequential([new lanewise.Linear(4), new lanewise.ReLU()]);
void layer;
kernels.softmax({ rows: 1, columns: 1, input: new Float32Array(1), output: new Float32Array(1) });
// @ts-expect-error: a size is a number
new lanewise.Linear('4');
