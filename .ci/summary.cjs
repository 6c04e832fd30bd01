// Prints one line, `N passed, N failed, N skipped`, from the last totals that tap wrote to the log.
'use strict'

const log = require('fs').readFileSync(process.argv[2], 'utf8')
const totals = [...log.matchAll(/^# \{ (.*) \}\s*$/gm)].pop()
const count = (name) => Number(((totals && totals[1].match(name + ': (\\d+)')) || [0, 0])[1])

console.log(
  `${count('pass')} passed, ${count('fail')} failed, ${count('skip') + count('todo')} skipped`,
)
process.exitCode = count('pass') > 0 && count('fail') === 0 ? 0 : 1
