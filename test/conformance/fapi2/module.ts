/** A module of the FAPI 2.0 plans: the end of its name behind `fapi2-security-profile-final-`, and what it does. */
import type { Test } from 'tap'
import { fapi2TargetsFor } from '../targets.ts'
import type { Fapi2Run } from './run.ts'
import type { Fapi2Suite, Variant } from './variant.ts'

export interface Fapi2Module {
  name: string
  /** The rule that it holds the provider to. */
  says: string
  /** The only variants that it is of. */
  only?: Partial<Variant>
  /** Its person signs in by the page; elsewhere a session is there already. */
  signsIn?: true
  /** It moves the clock of the provider on. */
  waits?: true
  run(run: Fapi2Run): Promise<unknown>
}

const prefix = 'fapi2-security-profile-final-'

/** One test for each module that is of the variant, named after it and its plan; and one that none is missing. */
export function runFapi2Modules(
  t: Test,
  plan: 'fapi2-security-profile-final' | 'fapi2-message-signing-final',
  { variant, begin }: Fapi2Suite,
  modules: readonly Fapi2Module[],
  {
    only = /./,
  }: { /** Names of those that are run, where another test has all. */ only?: RegExp } = {},
): void {
  const applicable = modules.filter((module) =>
    Object.entries(module.only ?? {}).every(
      ([name, value]) => variant[name as keyof Variant] === value,
    ),
  )
  const tested = new Set(applicable.map(({ name }) => prefix + name))
  t.test(`${plan}${variant.name}: every module of it is tested`, async (t) =>
    t.strictSame(tested, new Set(fapi2TargetsFor(variant))),
  )
  for (const module of applicable.filter(({ name }) => only.test(name))) {
    const name = prefix + module.name
    t.test(`${plan}${variant.name} / ${name}: ${module.says}`, async (t) => {
      await module.run(await begin(t, { ...module, name }))
    })
  }
}
