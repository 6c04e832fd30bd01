#!/usr/bin/env node
// Sets up the process, then starts the command line. CommonJS, because an ES module would be too late: the loader
// has started the thread pool by then. Written so that an old Node.js can still parse it and say what is wrong.
'use strict'

const version = process.versions.node.split('.').map(Number)
const isSupported =
  version[0] > 22 ||
  (version[0] === 22 && version[1] >= 12) ||
  (version[0] === 20 && version[1] >= 19)

if (!isSupported) {
  console.error(
    'Claviger needs Node.js 20.19, 22.12 or later; this is ' + process.versions.node + '.',
  )
  process.exit(1)
}

// As many password hashes as there are cores run at a time; the pool is larger, so that signing never waits for them.
if (!process.env.UV_THREADPOOL_SIZE) {
  process.env.UV_THREADPOOL_SIZE = String(Math.max(8, 2 * require('os').availableParallelism()))
}

const main = require('path').join(__dirname, '..', 'build', 'src', 'cli', 'main.js')

if (!require('fs').existsSync(main)) {
  console.error('Claviger is not built yet. Run: npm run build')
  process.exit(1)
}

void import(require('url').pathToFileURL(main).href)
