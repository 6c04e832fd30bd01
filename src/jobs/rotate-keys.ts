/** Rotates the signing keys when it is time, and catches up with changes whose notification was lost. */
import type { Keyring } from '../keys/keyring.ts'
import type { Rotation } from '../keys/rotation.ts'
import type { Job } from './job.ts'

export function createRotateKeysJob({
  rotation,
  keyring,
  intervalSeconds,
}: {
  rotation: Pick<Rotation, 'runDue'>
  keyring: Pick<Keyring, 'load'>
  /** Well below the time without a reading after which the keyring stops signing. */
  intervalSeconds: number
}): Job {
  return {
    name: 'rotate-keys',
    intervalSeconds,
    async run() {
      try {
        await rotation.runDue()
      } finally {
        await keyring.load()
      }
    },
  }
}
