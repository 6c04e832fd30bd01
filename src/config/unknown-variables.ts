/** Variables that look like ours and are not: a typing error must not pass for a default. */
import { hintFor } from '../protocol/did-you-mean.ts'

const prefix = 'CLAVIGER_'

// Kubernetes sets these in every pod beside a Service whose name begins with `claviger` ("service links").
const serviceLinkName =
  /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/
const serviceLinkValue = /^(tcp|udp|sctp):\/\//

/** One fault for each unknown variable. */
export function findUnknown(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): string[] {
  return Object.entries(environment)
    .filter(([name]) => name.startsWith(prefix) && !known.includes(name))
    .filter(([name, value]) => !serviceLinkName.test(name) && !serviceLinkValue.test(value ?? ''))
    .map(([name]) => {
      const bare = name.slice(prefix.length)
      const hint = known.includes(bare) ? `Did you mean ${bare}?` : hintFor(name, known)
      return `${name} is unknown. ${hint}`
    })
}
