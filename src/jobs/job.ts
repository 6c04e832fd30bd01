/** Background work that the scheduler runs on every node. */
export interface Job {
  name: string
  intervalSeconds: number
  run(): Promise<void>
  /** Begins nothing more, and resolves when what runs has ended; for jobs that may take long. */
  stop?(): Promise<void>
}
