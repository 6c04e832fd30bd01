/** What the table says of each setting, and the values that follow from it. */
import type { Parser } from './parsers.ts'

export interface Setting {
  variable: string
  parse: Parser<unknown>
  /** As one would write it. Without one the setting is undefined, or follows from others as `derived` says. */
  default?: string
  derived?: string
  sentence: string
  /** Also as NAME_FILE, and never shown. */
  secret?: true
}

type ValueOf<S> = S extends { parse: Parser<infer T> }
  ? S extends { default: string }
    ? T
    : T | undefined
  : never

export type ValuesOf<Table> = { [Name in keyof Table]: ValueOf<Table[Name]> }
