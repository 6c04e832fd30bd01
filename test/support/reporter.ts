/** tap's reporter here: a line for each test file when it ends, what failed in it, and the totals as the last line. */
import { Transform, type TransformCallback } from 'node:stream'
import { inspect } from 'node:util'
import { Parser, type Result } from 'tap-parser'

/** A difference of thousands of lines says no more than its beginning. */
const longestDetail = 4000

/** Takes the raw TAP of a run and tells each thing at once, so that a run that is cut off shows how far it came. */
export default class Reporter extends Transform {
  readonly #parser = new Parser()
  readonly #totals = { passed: 0, failed: 0, skipped: 0 }

  constructor() {
    super({ decodeStrings: false })
    this.#parser.on('pass', () => this.#totals.passed++)
    this.#parser.on('skip', () => this.#totals.skipped++)
    this.#parser.on('todo', () => this.#totals.skipped++)
    this.#parser.on('fail', (result: Result) => this.#tellFailure(result))
    this.#parser.on('assert', (file: Result) => this.#tellFile(file))
    this.#parser.on('extra', (text: string) => this.push(text))
    this.#parser.on('bailout', (reason: string) => this.push(`Bail out! ${reason}\n`))
  }

  override _transform(tap: string | Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#parser.write(tap)
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#parser.end()
    const { passed, failed, skipped } = this.#totals
    this.push(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`)
    done()
  }

  #tellFile({ ok, name, time }: Result): void {
    this.push(`${ok ? 'ok' : 'FAILED'}  ${name}  ${Math.round(time ?? 0)} ms\n`)
  }

  #tellFailure({ fullname, name, tapError, diag }: Result): void {
    this.#totals.failed++
    const { diff, at: _, ...rest } = diag ?? {}
    const details = [tapError, diff, Object.keys(rest).length > 0 && inspect(rest)]
    const told = details.filter(Boolean).map((detail) => shortened(String(detail)))
    this.push([`  not ok  ${fullname || name}`, ...told, ''].join('\n'))
  }
}

function shortened(text: string): string {
  const cut =
    text.length > longestDetail
      ? `${text.slice(0, longestDetail)}\n… (${text.length - longestDetail} characters more)`
      : text
  return cut.replaceAll(/^/gm, '    ')
}
