/** What went wrong with a form, above it, for eyes and screen readers. */
import type { ComponentChildren } from 'preact'
import { Icon } from './icons.tsx'

/** Its fields say aria-describedby="problem". */
export function Alert({ children }: { children: ComponentChildren }) {
  return (
    <div class="alert" role="alert" id="problem">
      <Icon name="alert" />
      <p>{children}</p>
    </div>
  )
}

export function tooManyAttempts(retryAfterSeconds: number): string {
  return `There were too many attempts. Wait ${duration(retryAfterSeconds)}, then try again.`
}

function duration(seconds: number): string {
  if (seconds <= 60) return 'a minute'
  const minutes = Math.ceil(seconds / 60)
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.ceil(minutes / 60)
  return hours === 1 ? 'an hour' : `${hours} hours`
}
