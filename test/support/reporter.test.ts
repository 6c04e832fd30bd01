import t from 'tap'
import Reporter from './reporter.ts'

async function report(...lines: string[]): Promise<string> {
  const reporter = new Reporter()
  reporter.end(`${lines.join('\n')}\n`)
  return (await reporter.toArray()).join('')
}

t.test('a file that passes is one line, and the totals are the last', async (t) => {
  const told = await report(
    'TAP version 14',
    'ok 1 - a.test.js # time=12.3ms {',
    '    ok 1 - one',
    '    ok 2 - two # SKIP no such thing here',
    '    1..2',
    '}',
    '1..1',
  )

  t.equal(told, 'ok  a.test.js  12 ms\n\n1 passed, 0 failed, 1 skipped\n')
})

t.test('a failure is told with its place and the beginning of a long difference', async (t) => {
  const told = await report(
    'TAP version 14',
    'not ok 1 - b.test.js # time=5ms {',
    '    # Subtest: deep',
    '        not ok 1 - should be equal',
    '          ---',
    `          diff: "${'x'.repeat(5000)}"`,
    '          stack: b.test.ts:7:3',
    '          ...',
    '        1..1',
    '    not ok 1 - deep',
    '    1..1',
    '}',
    '1..1',
  )

  t.match(
    told,
    /not ok {2}b\.test\.js > deep > should be equal\n {4}x{4000}\n {4}… \(1000 characters more\)/,
  )
  t.match(told, /b\.test\.ts:7:3/)
  t.match(told, /FAILED {2}b\.test\.js {2}5 ms\n/)
  t.match(told, /\n0 passed, 1 failed, 0 skipped\n$/)
})

t.test('a file that ends without a word is a failure', async (t) => {
  const told = await report(
    'TAP version 14',
    'not ok 1 - c.test.js',
    '  ---',
    '  signal: SIGKILL',
    '  ...',
    '1..1',
  )

  t.match(told, /FAILED {2}c\.test\.js.*\n {2}not ok {2}c\.test\.js\n.*SIGKILL/s)
  t.match(told, /\n0 passed, 1 failed, 0 skipped\n$/)
})

t.test('a run that is cut off keeps what it said', async (t) => {
  const reporter = new Reporter()
  reporter.write('TAP version 14\nok 1 - d.test.js {\n    ok 1 - one\n    1..1\n}\nok 2 - e.te')

  t.equal(String(reporter.read()), 'ok  d.test.js  0 ms\n')
})
