/** What every command has: --json, and examples in its help. */
import { InvalidArgumentError, Option, type CommandUnknownOpts } from '@commander-js/extra-typings'

interface Help {
  description: string
  /** Commands to copy. */
  examples: readonly string[]
  notes?: readonly string[]
}

/** A command of `parent` that prints something; `usage` is its name and arguments. */
export function addCommand<Usage extends string>(
  parent: CommandUnknownOpts,
  usage: Usage,
  help: Help,
) {
  return parent
    .command(usage)
    .description(help.description)
    .addHelpText('after', textAfter(help))
    .option('--json', 'print one JSON document')
}

/** A command that only has commands of its own. */
export function addNoun(program: CommandUnknownOpts, name: string, help: Help): CommandUnknownOpts {
  return program.command(name).description(help.description).addHelpText('after', textAfter(help))
}

export function textAfter({ examples, notes = [] }: Omit<Help, 'description'>): string {
  return [
    '',
    'Examples:',
    ...examples.map((example) => `  $ ${example}`),
    ...(notes.length > 0 ? ['', ...notes] : []),
  ].join('\n')
}

/** For the value of an option. */
export function parseWholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give a whole number.')
}

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** In seconds; `named` is what the help says in place of their number. */
export function sinceOption(seconds: number, named: string) {
  return new Option('--since <span>', 'not older than, such as 30m, 1h or 7d')
    .argParser(parseSpan)
    .default(seconds, named)
}

/** In seconds; for the value of an option. */
export function parseSpan(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const seconds = unitSeconds[unit]
  if (count !== undefined && seconds !== undefined) return Number(count) * seconds
  throw new InvalidArgumentError('Give a span such as 90s, 30m, 1h or 7d.')
}
