/** Waiting that always ends: by a timer that is handed in, or because what waits is closed. */

import type { SetTimer } from './runtime.ts'

interface Waiting {
  setTimer: SetTimer
  closing: AbortSignal
}

export async function pause(milliseconds: number, { setTimer, closing }: Waiting): Promise<void> {
  if (closing.aborted) return
  await new Promise<void>((resolve) => {
    const end = () => {
      cancel()
      closing.removeEventListener('abort', end)
      resolve()
    }
    const cancel = setTimer(end, Math.max(0, milliseconds))
    closing.addEventListener('abort', end)
  })
}

export interface Deadline {
  /** Aborted with `reason` once the time is over, or with that of `closing`. */
  signal: AbortSignal
  /** Gives it so long from now on. */
  extend(milliseconds: number, reason: Error): void
  end(): void
}

/** Not AbortSignal.any: it leaks on Node 20 where one signal outlives the others. */
export function createDeadline({ setTimer, closing }: Waiting): Deadline {
  const controller = new AbortController()
  const close = () => controller.abort(closing.reason)
  let cancel: (() => void) | undefined
  if (closing.aborted) close()
  closing.addEventListener('abort', close)
  return {
    signal: controller.signal,
    extend(milliseconds, reason) {
      cancel?.()
      cancel = setTimer(() => controller.abort(reason), milliseconds)
    },
    end() {
      cancel?.()
      closing.removeEventListener('abort', close)
    },
  }
}

/** The result of `work`, or the reason of the signal if that comes first, whether or not `work` heeds it. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
