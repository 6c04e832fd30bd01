/** The Basic OP plan, for a client that uses the code flow; the Form Post OP plan has the same modules. */
import type { Module } from '../module.ts'
import { codeModules } from './codes.ts'
import { promptModules } from './prompts.ts'
import { requestModules } from './requests.ts'
import { claimModules } from './scopes.ts'

export const basicModules: readonly Module[] = [
  ...requestModules,
  ...claimModules,
  ...promptModules,
  ...codeModules,
]
