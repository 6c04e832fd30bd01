/** Removes what an earlier compilation left, so that a deleted test does not run. */
require('node:fs').rmSync('build', { recursive: true, force: true })
