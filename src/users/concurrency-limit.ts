/** So much work at a time, so much waiting, and no more: a login storm must not starve signing. */
import { OAuthError } from '../protocol/errors.ts'

type ConcurrencyLimit = <T>(work: () => Promise<T>) => Promise<T>

interface ConcurrencyLimitOptions {
  concurrency: number
  queueLimit: number
}

/** Work starts in the order it came; with a full queue it is refused as temporarily_unavailable (503). */
export function createConcurrencyLimit(options: ConcurrencyLimitOptions): ConcurrencyLimit {
  const { concurrency, queueLimit } = options
  const waiting: (() => void)[] = []
  let running = 0

  async function enter(): Promise<void> {
    if (running < concurrency) {
      running += 1
      return
    }
    if (waiting.length >= queueLimit)
      throw new OAuthError(
        'temporarily_unavailable',
        'Too many people are signing in at this moment. Try again in a few seconds.',
        {
          headers: { 'Retry-After': '2' },
          detail: `${running} password hashes run and ${waiting.length} wait`,
        },
      )
    await new Promise<void>((resolve) => waiting.push(resolve))
  }

  function leave(): void {
    const startNext = waiting.shift()
    if (startNext) startNext() // takes this place, so `running` stays
    else running -= 1
  }

  return async (work) => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
