/** Whether something answers at a port; whoever it is: the port says no more. */
import { connect } from 'node:net'

const patienceMilliseconds = 1000

export function isAnswering(host: string, port: number): Promise<boolean> {
  if (port === 0) return Promise.resolve(false)
  const isAny = host === '0.0.0.0' || host === '::'
  const socket = connect({ port, ...(!isAny && { host }), timeout: patienceMilliseconds })
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('timeout', () => resolve(false))
  }).finally(() => socket.destroy())
}
