/** The settings of tokens that are bound to a key: DPoP and client certificates. */
import * as read from './parsers.ts'
import type { Setting } from './setting.ts'

const nonceModes = ['required', 'offered', 'off'] as const

export const bindingSettings = {
  dpopNonce: {
    variable: 'CLAVIGER_DPOP_NONCE',
    parse: read.oneOf(nonceModes),
    default: 'offered',
    sentence:
      'Whether DPoP proofs carry a nonce of this server: each must (`required`), they may and it has to be a fresh one (`offered`), or none is given out (`off`).',
  },
} as const satisfies Record<string, Setting>
