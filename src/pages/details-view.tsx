/** One of the authorization details that a person is asked about (RFC 9396 §2): whatever members it has, as a list of terms. */
import { isPlainObject, type JsonObject } from '../protocol/json.ts'
import { Icon } from './icons.tsx'
import { Foreign } from './layout.tsx'

export function DetailItem({ detail: { type, ...members } }: { detail: JsonObject }) {
  return (
    <li>
      <Icon name="list" />
      <div>
        Use the permission <code>{String(type)}</code>
        <Members of={members} />
      </div>
    </li>
  )
}

function Members({ of: members }: { of: JsonObject }) {
  const entries = Object.entries(members)
  if (entries.length === 0) return null
  return (
    <dl>
      {entries.map(([name, value]) => (
        <div>
          <dt>
            <Foreign>{name}</Foreign>
          </dt>
          <dd>
            <Value of={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Value({ of: value }: { of: unknown }) {
  if (isPlainObject(value)) return <Members of={value} />
  if (!Array.isArray(value)) return <Foreign>{String(value)}</Foreign>
  if (!value.some((item) => typeof item === 'object')) return <Foreign>{value.join(', ')}</Foreign>
  return (
    <ul>
      {value.map((item: unknown) => (
        <li>
          <Value of={item} />
        </li>
      ))}
    </ul>
  )
}
