/** What the rest of the house sees of Postgres. */

export interface Queryable {
  /** Runs one statement with $1 parameters and answers its rows. Throws DatabaseUnavailable when Postgres cannot be reached. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>
}

export interface Database extends Queryable {
  /** Runs `work` in one transaction: commits when it resolves, rolls back when it throws. */
  transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T>
  /**
   * Calls `onChange` after every NOTIFY on `channel`, and once after each (re)connection, because notifications
   * are lost while disconnected. Answers a function that stops listening.
   */
  listen(channel: string, onChange: (payload: string) => void): () => Promise<void>
  /** How many statements and transactions wait for a connection. */
  waiting(): number
  close(): Promise<void>
}

/** Postgres did not answer, refused us, or is starting or stopping: no fault of the request, which may come again. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown, message = 'PostgreSQL cannot be reached') {
    super(message, { cause })
    this.name = 'DatabaseUnavailable'
  }
}
