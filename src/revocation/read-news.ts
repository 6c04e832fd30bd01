/**
 * Reads what was recorded after a position, so that nothing is ever missed.
 *
 * A record's cursor is taken under a lock that its transaction holds until it is visible (store.ts), so cursors grow in the
 * order in which records become visible: whoever sees one sees all smaller ones, and one that is under way will have a
 * greater cursor than any that can be seen. Each page is a statement with a snapshot of its own (READ COMMITTED): what
 * was committed before the first was sent is in all of them, and a record that changes between two pages comes again,
 * with a greater cursor.
 */
import type { RecordedRevocation, RevocationStore } from './store.ts'

/** How far a node has read. */
export interface Position {
  /** As the database tells it: another one after a restart, a failover or a restore. */
  history: string
  /** How often cursors went back within it, as when only the rows were restored. */
  setbacks: number
  cursor: number
}

export interface News {
  position: Position
  rows: RecordedRevocation[]
  /** Whether the position is in another history, so that the rows are all that there is. */
  isWhole: boolean
}

export async function readNews(
  store: Pick<RevocationStore, 'listAfter'>,
  from: Position,
  pageSize: number,
): Promise<News> {
  let position = from
  let rows: RecordedRevocation[] = []
  for (;;) {
    const { history, greatestCursor, rows: page } = await store.listAfter(position.cursor, pageSize)
    if (history !== position.history || greatestCursor < position.cursor) {
      const setbacks = history === position.history ? position.setbacks + 1 : 0
      position = { history, setbacks, cursor: 0 }
      rows = []
      continue
    }
    for (const row of page) rows.push(row)
    position = { ...position, cursor: page.at(-1)?.cursor ?? position.cursor }
    if (page.length < pageSize) break
  }
  const isWhole = position.history !== from.history || position.setbacks !== from.setbacks
  return { position, rows, isWhole }
}
