/** Modules about how ID tokens are signed, of the plans with clients that register themselves. */
import { decodeProtectedHeader } from 'jose'
import type { Module } from '../module.ts'
import { refuses } from '../registration.ts'

export const idTokenModules: Module[] = [
  {
    name: 'oidcc-idtoken-rs256',
    says: 'who asks for RS256 gets RS256, by a key that is named',
    metadata: { id_token_signed_response_alg: 'RS256' },
    async run({ flow }) {
      await flow()
    },
  },
  {
    name: 'oidcc-idtoken-signature',
    says: 'who asks for no algorithm gets RS256, by a key that is named',
    async run({ t, flow }) {
      const { tokens } = await flow()
      t.match(decodeProtectedHeader(String(tokens['id_token'])), { alg: 'RS256', kid: String })
    },
  },
  {
    name: 'oidcc-idtoken-unsigned',
    says: 'ID tokens without a signature are not advertised, and not to be had',
    async run({ t, suite }) {
      const algorithms = suite.metadata['id_token_signing_alg_values_supported'] as string[]
      t.notOk(algorithms.includes('none'))
      const unsigned = { id_token_signed_response_alg: 'none' }
      await refuses(t, suite, unsigned, 'invalid_client_metadata')
    },
  },
]
