/** Time and network, handed in. The defaults are there in every runtime with fetch and Web Crypto. */

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Answers how to cancel it. */
export type SetTimer = (callback: () => void, milliseconds: number) => () => void

export interface Runtime {
  fetch: Fetch
  /** Milliseconds since 1970. */
  now: () => number
  /** Milliseconds of a clock that never jumps. */
  monotonic: () => number
  setTimer: SetTimer
}

export const defaultRuntime: Runtime = {
  fetch: (url, init) => globalThis.fetch(url, init),
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(callback, milliseconds) {
    const timer: unknown = setTimeout(callback, milliseconds)
    // Where timers are objects, this one keeps no process alive.
    ;(timer as { unref?: () => void }).unref?.()
    return () => clearTimeout(timer as NodeJS.Timeout)
  },
}
