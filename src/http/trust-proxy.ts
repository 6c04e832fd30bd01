/** Whose X-Forwarded-* headers count, as Fastify wants to hear it. */

/**
 * Fastify believes nobody when it is given a number, since somebody who reaches the server directly could pose as a
 * proxy. Who sets TRUST_PROXY to a number says that nobody does: each of so many proxies adds the address before it.
 */
export function toFastifyTrustProxy(
  trustProxy: false | number | readonly string[],
): false | string[] | ((address: string, hop: number) => boolean) {
  if (trustProxy === false) return false
  return typeof trustProxy === 'number' ? (_, hop) => hop < trustProxy : [...trustProxy]
}
