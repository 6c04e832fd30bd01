/** Whether all nodes publish the same: the JWKS to the letter, its ETag, and the keys that the table says. */
import type { JSONWebKeySet } from 'jose'
import { fetchJwks } from './jwks-source.ts'
import type { KeyWatch, Look } from './key-watch.ts'
import type { SoakNode } from './node.ts'

const looks = 300 // so many that they last for longer than a rotation

/** In the middle of a rotation nodes may differ for a moment. Answers what they said last when they never agreed. */
export async function findDisagreement(
  nodes: readonly SoakNode[],
  watch: KeyWatch,
): Promise<string | undefined> {
  let disagreement = ''
  for (let look = 0; look < looks; look += 1) {
    const expected = publishedKids(await watch.look())
    const answers = await Promise.all(nodes.map(readJwks))
    const [first] = answers
    const isSame = answers.every(({ text }) => text === first?.text)
    if (isSame && String(first?.kids) === String(expected)) return undefined
    const said = nodes.map(({ name }, index) => `${name}: ${answers[index]?.text}`)
    disagreement = [`table: ${expected.join(' ')}`, ...said].join('\n')
  }
  return disagreement
}

async function readJwks(node: SoakNode): Promise<{ text: string; kids: string[] }> {
  const answer = await fetchJwks(node)
  const body = await answer.text()
  const { keys = [] } = JSON.parse(body) as Partial<JSONWebKeySet>
  const kids = keys.map(({ kid }) => String(kid)).toSorted()
  return { text: `${answer.status} ${answer.headers.get('etag')} ${body}`, kids }
}

function publishedKids({ keys, now }: Look): string[] {
  return keys
    .filter((key) => !key.revoked_at && !(key.leaves_jwks_at && key.leaves_jwks_at <= now))
    .map(({ kid }) => kid)
    .toSorted()
}
