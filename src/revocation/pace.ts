/** When something is sent to all who listen: at once when there is news, then after a rest, and at least every heartbeat. */

/** Calls `callback` once after `milliseconds`; answers what cancels it. */
export type SetTimer = (callback: () => void, milliseconds: number) => () => void

export interface Pace {
  /** There is something to send. */
  hurry(): void
  stop(): void
}

export function createPace({
  send,
  heartbeatMilliseconds,
  restMilliseconds,
  setTimer,
}: {
  /** Never called while it runs; does not throw. */
  send: () => Promise<void>
  heartbeatMilliseconds: number
  /** What comes within it is sent together. */
  restMilliseconds: () => number
  setTimer: SetTimer
}): Pace {
  let state: 'waiting' | 'busy' | 'stopped' = 'waiting'
  let isDue = false
  let cancel = setTimer(begin, heartbeatMilliseconds)

  function begin(): void {
    state = 'busy'
    isDue = false
    void send().then(rest)
  }

  function rest(): void {
    if (state === 'stopped') return
    const rested = restMilliseconds()
    cancel = setTimer(() => {
      if (isDue) return begin()
      state = 'waiting'
      cancel = setTimer(begin, heartbeatMilliseconds - rested)
    }, rested)
  }

  return {
    hurry() {
      if (state !== 'waiting') {
        isDue = true
        return
      }
      cancel()
      begin()
    },
    stop() {
      state = 'stopped'
      cancel()
    },
  }
}

export function setUnrefTimer(callback: () => void, milliseconds: number): () => void {
  const timer = setTimeout(callback, milliseconds).unref()
  return () => clearTimeout(timer)
}
