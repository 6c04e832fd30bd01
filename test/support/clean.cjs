/** Removes what an earlier compilation left, so that a deleted test does not run. */
const { rmSync } = require('node:fs')

for (const folder of ['build', 'src/verifier/dist'])
  rmSync(folder, { recursive: true, force: true })
