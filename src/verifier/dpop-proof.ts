/** C's file replaces this one. */
export interface ProofOptions {
  windowSeconds?: number
}
