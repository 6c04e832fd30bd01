/** One node: a real server process that can be killed, and started again at the same address. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Environment } from '../../../src/config.ts'
import { packageRoot } from '../postgres-run.ts'

export interface SoakNode {
  readonly name: string
  readonly origin: string
  /** By how much its wall clock is ahead, from its next start on. */
  clockOffsetSeconds: number
  isUp(): boolean
  /** Of its process while it runs. */
  pid(): number | undefined
  /** Resolves when it serves; throws what it said when it ends before. */
  start(): Promise<void>
  /** Without a word. */
  kill(): Promise<void>
  /** In good order; answers its exit code. */
  stop(): Promise<number | null>
  /** What it has logged as errors, and how often. */
  readonly errors: ReadonlyMap<string, number>
}

const program = join(packageRoot, 'bin/claviger.cjs')
const preload = import.meta.resolve('./preload.js')

export function createNode(name: string, port: number, environment: Environment): SoakNode {
  const errors = new Map<string, number>()
  const countError = (message: string) => errors.set(message, (errors.get(message) ?? 0) + 1)
  let child: ChildProcess | undefined
  let serves = false

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child
    child = undefined
    serves = false
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return null
    const exited = once(ending, 'exit')
    ending.kill(signal)
    const [code] = (await exited) as [number | null]
    return code
  }

  const node: SoakNode = {
    name,
    origin: `http://127.0.0.1:${port}`,
    errors,
    clockOffsetSeconds: 0,
    pid: () => child?.pid,
    isUp: () => serves && child?.exitCode === null && child.signalCode === null,
    async start() {
      const nodeOptions = ['--import', `${preload}?seconds=${node.clockOffsetSeconds}`]
      child = spawnServer(nodeOptions, { ...environment, PORT: String(port) })
      await untilServing(child, countError)
      serves = true
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
  return node
}

/** Without the NODE_OPTIONS by which tap instruments what it spawns. */
export function spawnServer(
  nodeOptions: readonly string[],
  environment: Environment,
): ChildProcess {
  const command = ['-u', 'NODE_OPTIONS', process.execPath, ...nodeOptions, program, 'serve']
  return spawn('env', command, {
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
}

/** Throws what the server said when it ends without serving. */
export async function untilServing(
  child: ChildProcess,
  onError: (message: string) => void = () => {},
): Promise<void> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  await new Promise<void>((resolve, reject) => {
    child.once('close', () => reject(new Error(`The server ended before it served: ${stderr}`)))
    createInterface(child.stdout!).on('line', (line) => {
      const { level, msg, err } = JSON.parse(line) as LogLine
      if (msg === 'serving') resolve()
      if (level >= 50) onError(err ? `${msg}: ${err.message}` : msg)
    })
  })
}

/** A line of pino's. */
interface LogLine {
  level: number
  msg: string
  err?: { message: string }
}
