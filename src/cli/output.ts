/** What commands print: text for people or, with --json, one document with stable snake_case keys. */

export interface Format {
  json?: true | undefined
}

type Text = string | Promise<string>

/** Control characters and those that turn the direction of writing: a stored name must not steer the terminal. */
const unprintable = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

export async function print(
  { json }: Format,
  document: unknown,
  describe: () => Text,
): Promise<void> {
  write(process.stdout, json ? JSON.stringify(document, null, 2) : await describe())
}

/** A sentence beside the result, which must not end up in it. */
export function warn(sentence: string): void {
  write(process.stderr, `warning: ${oneLine(sentence)}`)
}

export function write(stream: NodeJS.WritableStream, text: string): void {
  stream.write(`${text.split('\n').map(printable).join('\n')}\n`)
}

export function oneLine(text: string): string {
  return text.replaceAll(/\s*\n(?:- )?/g, ' ').trim()
}

export async function table(head: string[], rows: string[][]): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const lines = new Table({
    head,
    chars: withoutBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
  })
  lines.push(...rows.map((row) => row.map(printable)))
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

export type Row = readonly [label: string, value: string | undefined]

/** Labels and values, aligned; what is undefined is left out. A value may have several lines. */
export function fields(rows: readonly Row[], width = widthOf(rows)): string {
  const margin = `\n${' '.repeat(width)}`
  return rows
    .flatMap(([label, value]) =>
      value === undefined ? [] : [label.padEnd(width) + value.replaceAll('\n', margin)],
    )
    .join('\n')
}

export function widthOf(rows: readonly Row[]): number {
  return Math.max(0, ...rows.map(([label]) => label.length)) + 2
}

/** Every member of a document, in its own order. */
export function describeMembers(document: object): string {
  return fields(
    Object.entries(document).map(([name, value]) => [name, describeValue(value)] as const),
  )
}

export function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

function describeValue(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return printable(value)
  const isListOfText = Array.isArray(value) && value.every((item) => typeof item === 'string')
  if (!isListOfText) return JSON.stringify(value, null, 2)
  return value.length === 0 ? undefined : value.map(printable).join('\n')
}

function printable(text: string): string {
  return text.replaceAll(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const withoutBorders = Object.fromEntries(
  [
    ['top', 'top-mid', 'top-left', 'top-right'],
    ['bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ]
    .flat()
    .map((name) => [name, '']),
)
