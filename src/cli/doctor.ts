/** claviger doctor: what the settings come to, and what is wrong. It changes nothing. */
import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { loadConfig, type Config } from '../config.ts'
import { Refusal } from '../protocol/refusal.ts'
import { addCommand } from './command.ts'
import { fields, indent, print, widthOf, type Row } from './output.ts'
import { readVersion } from './version.ts'

export interface Problem {
  /** For programs. */
  code: string
  /** What is wrong and what to do. */
  message: string
}

/** What one part of the doctor found. */
export interface Findings {
  document: Record<string, unknown>
  rows: Row[]
  problems: Problem[]
}

export function addDoctor(program: CommandUnknownOpts): void {
  addCommand(program, 'doctor', {
    description: 'print what the settings come to, and what is wrong; changes nothing',
    examples: ['claviger doctor', `claviger doctor --json | jq '.problems'`],
    notes: ['Exits with 1 if something is wrong.'],
  }).action(async (format) => {
    const parts = await examine()
    const problems = parts.flatMap((part) => part.problems)
    const documents = parts.map(({ document }) => document)
    const version = { claviger: readVersion(), node: process.versions.node }
    const document = Object.assign({ ok: problems.length === 0, problems, version }, ...documents)
    const width = widthOf(parts.flatMap(({ rows }) => rows))
    if (problems.length > 0) process.exitCode = 1
    await print(format, document, () =>
      [
        `Claviger ${version.claviger} on Node.js ${version.node}`,
        '',
        ...parts.flatMap(({ rows }) => (rows.length === 0 ? [] : [fields(rows, width), ''])),
        'What is wrong',
        indent(problems.map(({ message }) => `✗ ${message}`).join('\n') || '✓ Nothing'),
      ].join('\n'),
    )
  })
}

async function examine(): Promise<Findings[]> {
  let config: Config
  try {
    config = loadConfig()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return [{ document: {}, rows: [], problems: faultsOf(error) }]
  }
  const { examineClients } = await import('./doctor-clients.ts')
  const { examineSurroundings } = await import('./doctor-surroundings.ts')
  const { examineDatabase } = await import('./doctor-database.ts')
  const { examineKeys } = await import('./doctor-keys.ts')
  const surroundings = await examineSurroundings(config)
  const clients = await examineClients(config)
  const stored = await examineDatabase(config)
  return [surroundings, clients, stored, await examineKeys(config, stored)]
}

/** One for each line but the headline. */
function faultsOf({ message }: Refusal): Problem[] {
  return message
    .split('\n')
    .slice(1)
    .map((line) => ({ code: 'configuration', message: line.replace(/^- /, '') }))
}
