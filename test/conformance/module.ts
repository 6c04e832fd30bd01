/** A module of a plan: what the suite calls it, what it says of the provider, and what it does. */
import type { Test } from 'tap'
import type { SuiteClient } from '../support/suite-client.ts'
import type { Run } from '../support/suite-run.ts'
import type { Suite } from '../support/suite.ts'
import { targetsFor } from './targets.ts'

export interface Module {
  name: string
  /** The rule that it holds the provider to. */
  says: string
  client?: keyof Suite['clients']
  /** What its client registers besides, when it registers itself. */
  metadata?: object
  run(run: Run): Promise<void>
}

/** Whom a module is run with; by default the suite's first client, or the one that the module names. */
type ClientOf = (t: Test, module: Module) => Promise<SuiteClient> | SuiteClient

/** One test for each module, named after it and its plan. */
export function runModules(
  t: Test,
  plan: string,
  suite: Suite,
  modules: readonly Module[],
  clientOf: ClientOf = (_t, { client = 'client' }) => suite.clients[client],
): void {
  const tested = new Set(modules.map(({ name }) => name))
  const missing = targetsFor(plan).filter((name) => !tested.has(name))
  t.strictSame(missing, [], `${plan}: every module of it is tested`)
  for (const module of modules) {
    const { name, says } = module
    t.test(`${plan} / ${name}: ${says}`, async (t) => {
      await module.run(suite.begin(t, name, { client: await clientOf(t, module) }))
    })
  }
}
